"""Each role may do in the ledger what it is declared to; every other right is refused by Postgres itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from deploy.access import postgres_roles
from deploy.access.postgres_rights import RIGHTS
from models.errors import BadSetting, LedgerUnavailable, Misuse
from streams.settings import Settings
from tests.stores import Stores

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
REFUSED = psycopg.errors.InsufficientPrivilege


def address_of(url: str, user: str, password: str = "a password of tests") -> str:
    parts = urlsplit(url)
    secret = password.replace(" ", "%20")
    return urlunsplit(parts._replace(netloc=f"{user}:{secret}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture(scope="module")
def roles(own_database: str, stores: Stores) -> Settings:
    """The settings of a ledger with a role for each purpose."""
    addresses = {f"database_url_{role}": address_of(own_database, f"test_{role}") for role in RIGHTS}
    settings = stores.settings.model_copy(update={"database_url": own_database, **addresses})
    postgres_roles.apply(settings)
    return settings


@contextmanager
def acting(settings: Settings, role: str) -> Iterator[psycopg.Connection[Any]]:
    url = getattr(settings, f"database_url_{role}")
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        yield connection


def tables(settings: Settings) -> list[str]:
    with psycopg.connect(settings.database_url) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'v', 'p', 'm') ORDER BY relname"
        )
        return [str(name) for (name,) in found]


def test_nothing_of_the_schema_is_forgotten_and_nothing_is_made_up(roles: Settings) -> None:
    """The auditor reads all there is: a new table has a place in the declaration, or this fails."""
    assert sorted(RIGHTS["auditor"]) == tables(roles)
    assert all(set(rights) <= set(tables(roles)) for rights in RIGHTS.values())


@pytest.mark.parametrize("role", RIGHTS)
def test_a_role_has_the_rights_that_are_declared_and_no_others(role: str, roles: Settings) -> None:
    held = set()
    with acting(roles, role) as connection:
        for table, privilege in product(tables(roles), PRIVILEGES):
            row = connection.execute("SELECT has_table_privilege(%s, %s)", [table, privilege]).fetchone()
            assert row is not None
            if row[0]:
                held.add((table, privilege))
        columns = connection.execute(
            "SELECT table_name, privilege_type, column_name FROM information_schema.column_privileges"
            " WHERE grantee = current_user"
        ).fetchall()
    declared = [(table, right) for table, rights in RIGHTS[role].items() for right in rights]
    assert held == {(table, right.privilege) for table, right in declared if not right.columns}
    narrow = {(table, privilege, column) for table, privilege, column in columns} - {
        each for each in columns if (each[0], each[1]) in held
    }
    assert narrow == {
        (table, right.privilege, column) for table, right in declared for column in right.columns
    }


NOBODY_BUT_THE_OWNER = [
    "DELETE FROM decisions",
    "TRUNCATE decisions",
    "UPDATE decisions SET decision = 'approve'",
    "UPDATE decisions SET score = 0",
    "DELETE FROM archived_decisions",
    "UPDATE archived_decisions SET decision = 'approve'",
    "UPDATE archived_months SET rows = 1",
    "DELETE FROM labels",
    "UPDATE labels SET label = 'genuine'",
    "DELETE FROM dead_letters",
    "DELETE FROM progress",
    "UPDATE audit SET actor = 'nobody'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "ALTER TABLE audit DISABLE TRIGGER USER",
    "UPDATE policies SET document = '{}'",
    "DELETE FROM api_keys",
    "DELETE FROM users",
    "UPDATE ledger SET ledger_id = gen_random_uuid()",
    "UPDATE alembic_version SET version_num = '9999'",
    "DROP TABLE decisions",
    "CREATE TABLE mine (a integer)",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "SET SESSION AUTHORIZATION {superuser}",
    "COPY decisions TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
]


@pytest.mark.parametrize("role", RIGHTS)
@pytest.mark.parametrize("statement", NOBODY_BUT_THE_OWNER)
def test_what_nobody_but_the_owner_may_do_is_refused(role: str, statement: str, roles: Settings) -> None:
    with acting(roles, role) as connection:
        # The role that a cluster begins with, whatever it was called.
        first = connection.execute("SELECT quote_ident(rolname) FROM pg_roles WHERE oid = 10").fetchone()
        assert first is not None
        with pytest.raises(REFUSED) as refused:
            connection.execute(statement.replace("{superuser}", first[0]))
    assert refused.value.sqlstate == "42501"


BY_ROLE = [
    ("worker", "SELECT digest FROM api_keys"),
    ("worker", "SELECT digest FROM users"),
    ("worker", "INSERT INTO policies (version, document) VALUES ('mine', '{}')"),
    ("worker", "SELECT * FROM reviews"),
    ("worker", "CREATE TEMPORARY TABLE mine (a integer)"),
    ("gateway", "UPDATE decisions SET incarnation = 1"),
    ("gateway", "UPDATE progress SET next_offset = 0"),
    ("gateway", "INSERT INTO labels DEFAULT VALUES"),
    ("gateway", "UPDATE dead_letters SET reason = 'another'"),
    ("gateway", "DELETE FROM reviews"),
    ("gateway", "INSERT INTO poison_allowances VALUES (1, 0, 9)"),
    ("reader", "SELECT customer_id FROM decisions"),
    ("reader", "SELECT terminal_id FROM decisions"),
    ("reader", "SELECT transaction_id FROM decisions"),
    ("reader", "SELECT attributes FROM decisions"),
    ("reader", "SELECT features FROM decisions"),
    ("reader", "SELECT * FROM decisions"),
    ("reader", "SELECT transaction_id FROM labels"),
    ("reader", "SELECT value FROM parked_labels"),
    ("reader", "SELECT detail FROM dead_letters"),
    ("reader", "SELECT * FROM audit"),
    ("reader", "SELECT key_id FROM api_keys"),
    ("reader", "SELECT name FROM users"),
    ("reader", "SELECT note FROM review_actions"),
    ("reader", "INSERT INTO scorings DEFAULT VALUES"),
    ("auditor", "SELECT digest FROM api_keys"),
    ("auditor", "SELECT salt FROM users"),
    ("auditor", "INSERT INTO audit (actor, action, object, after, why) VALUES ('a', 'b', 'c', 'd', '')"),
    ("auditor", "UPDATE progress SET next_offset = 0"),
    ("auditor", "UPDATE reconcile_rounds SET findings = 0"),
]


@pytest.mark.parametrize(("role", "statement"), BY_ROLE)
def test_what_is_another_roles_business_is_refused(role: str, statement: str, roles: Settings) -> None:
    with acting(roles, role) as connection, pytest.raises(REFUSED):
        connection.execute(statement)


def test_a_reader_counts_all_the_same(roles: Settings) -> None:
    with acting(roles, "reader") as connection:
        counted = connection.execute("SELECT count(*), sum(amount_minor) FROM decisions").fetchone()
    assert counted == (0, None)


def test_done_again_it_makes_nothing_and_changes_no_password(roles: Settings) -> None:
    with psycopg.connect(roles.database_url) as connection:
        before = _acl(connection)
    assert postgres_roles.apply(roles) == []
    with psycopg.connect(roles.database_url) as connection:
        assert _acl(connection) == before


def _acl(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(
        "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    ).fetchall()


def test_a_right_that_somebody_added_by_hand_is_taken_away(roles: Settings) -> None:
    with psycopg.connect(roles.database_url, autocommit=True) as owner:
        owner.execute("GRANT DELETE ON decisions TO test_worker")
        owner.execute("GRANT SELECT (customer_id) ON decisions TO test_reader")
    postgres_roles.apply(roles)
    for role, statement in (
        ("worker", "DELETE FROM decisions"),
        ("reader", "SELECT customer_id FROM decisions"),
    ):
        with acting(roles, role) as connection, pytest.raises(REFUSED):
            connection.execute(statement)


def test_a_password_of_the_address_becomes_the_roles(roles: Settings) -> None:
    changed = roles.model_copy(
        update={"database_url_reader": address_of(roles.database_url, "test_reader", "another one")}
    )
    postgres_roles.apply(changed)
    with acting(changed, "reader"):
        pass
    with pytest.raises(psycopg.OperationalError), acting(roles, "reader"):
        pass
    postgres_roles.apply(roles)


def test_the_owner_is_refused_as_a_role(roles: Settings) -> None:
    owner = roles.model_copy(update={"database_url_worker": roles.database_url})
    with pytest.raises(BadSetting, match=r"DATABASE_URL_WORKER names .*, who may do everything"):
        postgres_roles.apply(owner)


def test_two_roles_are_two(roles: Settings) -> None:
    one = roles.model_copy(update={"database_url_worker": roles.database_url_gateway})
    with pytest.raises(BadSetting, match="name the same role, test_gateway"):
        postgres_roles.apply(one)


def test_who_may_make_no_roles_is_told_what_to_ask_for(roles: Settings) -> None:
    poor = roles.model_copy(
        update={
            "database_url": roles.database_url_gateway,
            "database_url_migrator": "",
            "database_url_gateway": "",
            "database_url_worker": address_of(roles.database_url, "test_nobody_yet"),
        }
    )
    with pytest.raises(Misuse, match=r"no role test_nobody_yet.*as a superuser: CREATE ROLE"):
        postgres_roles.apply(poor)


def test_without_addresses_there_is_nothing_to_do(roles: Settings) -> None:
    plain = roles.model_copy(update=dict.fromkeys([f"database_url_{role}" for role in RIGHTS], ""))
    assert postgres_roles.apply(plain) == []


def test_a_server_out_of_reach_is_named(roles: Settings) -> None:
    away = roles.model_copy(update={"database_url": "postgresql://owner@127.0.0.1:1/none"})
    with pytest.raises(LedgerUnavailable, match="Postgres failed while roles were made"):
        postgres_roles.apply(away)
