"""fraudml bootstrap on real stores: what is missing is made once, by whoever comes first, and nothing else
changes."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from deploy import migrations
from deploy.jobs.bootstrapping import LOCK, bootstrap
from deploy.jobs.generated_secrets import FolderSecrets
from deploy.jobs.making_secrets import make_secrets
from deploy.stack.report import Report
from deploy.stack.waiting import until
from models.errors import LedgerUnavailable, SchemaUnknown
from streams.ledger import PostgresLedger
from streams.ledger.connection import SCHEMA, SERVES
from streams.ledger.keys import PostgresKeys
from streams.ledger.users import PostgresUsers
from streams.settings import Settings
from tests.contracts.ledger_worlds import TIMEOUT_S, together
from tests.stores import Stores

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

MADE = ["admin-password", "answer-key", "key-pepper", "monitor-key"]
WITHIN_S = 20.0
_numbers = count()


@dataclass
class Heard(Report):
    """What a run says."""

    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def bare(own_topics: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a database that has no schema, topics that are not there, and a home without secrets."""
    name = f"bare-{next(_numbers)}"
    server = own_topics.database_url.rpartition("/")[0]
    database = sql.Identifier(name)
    with psycopg.connect(own_topics.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        update = {
            "database_url": f"{server}/{name}",
            "home": tmp_path,
            "transactions_topic": f"{name}-transactions",
            "labels_topic": f"{name}-labels",
            "alerts_topic": f"{name}-alerts",
        }
        yield own_topics.model_copy(update=update)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def run(settings: Settings, within_s: float = WITHIN_S) -> tuple[bool, list[str]]:
    heard = Heard()
    changed = bootstrap(settings, kept_in(settings), heard, models=False, within_s=within_s)
    return changed, heard.notes


def kept_in(settings: Settings) -> FolderSecrets:
    return FolderSecrets(settings.home)


def contents(settings: Settings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (settings.home / "secrets").iterdir()}


def test_the_first_run_makes_all_and_the_second_changes_nothing(bare: Settings) -> None:
    changed, notes = run(bare)
    assert changed
    assert notes[0] == f"schema: {SCHEMA}, was None"
    assert notes[1].startswith("topics: made ")
    assert notes[2:] == ["redis: functions loaded", f"secrets: made {', '.join(MADE)}"]
    made = contents(bare)
    assert sorted(made) == MADE

    assert run(bare) == (
        False,
        [
            f"schema: {SCHEMA}, as it was",
            "topics: as they were",
            "redis: functions loaded",
            "secrets: as they were",
        ],
    )
    assert contents(bare) == made


WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_two_at_once_do_the_work_once(bare: Settings) -> None:
    with psycopg.connect(bare.database_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])

        def let_go() -> tuple[bool, list[str]]:
            until(lambda: other.execute(WAITING).fetchone() == (2,), within_s=WITHIN_S)
            other.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            return False, []

        runs = together([lambda: run(bare), lambda: run(bare), let_go])
    assert sorted(changed for changed, _ in runs) == [False, False, True]
    said = [notes[0] for _, notes in runs if notes]
    assert said == ["another bootstrap is at work: waiting for it"] * 2
    with closing(PostgresKeys(bare.database_url, TIMEOUT_S, "test")) as keys:
        assert [key.state for key in keys.records()] == ["live"]
    with closing(PostgresUsers(bare.database_url, TIMEOUT_S, "test")) as users:
        assert [user.name for user in users.records()] == ["admin"]


def test_one_waits_for_another_no_longer_than_it_was_told(bare: Settings) -> None:
    with psycopg.connect(bare.database_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with pytest.raises(LedgerUnavailable, match="another bootstrap has not ended within 0 s"):
            run(bare, within_s=0.3)
    assert migrations.current(bare) is None


def test_a_migration_waits_for_the_one_that_holds_the_lock(bare: Settings) -> None:
    with psycopg.connect(bare.database_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [migrations.LOCK])

        def let_go() -> str | None:
            until(lambda: other.execute(WAITING).fetchone() == (1,), within_s=WITHIN_S)
            found = migrations.current(bare)
            other.execute("SELECT pg_advisory_unlock(%s)", [migrations.LOCK])
            return found

        seen_meanwhile, _ = together([let_go, lambda: migrations.upgrade(bare)])
    assert seen_meanwhile is None
    assert migrations.current(bare) == SCHEMA


def test_what_is_set_in_the_environment_is_not_made(bare: Settings) -> None:
    migrations.upgrade(bare)
    given = bare.model_copy(update={"answer_key": SecretStr("a" * 32), "key_pepper": SecretStr("b" * 32)})
    assert make_secrets(given, kept_in(given), Report(), Random(1).randbytes)
    assert sorted(contents(given)) == ["admin-password", "monitor-key"]


def test_a_key_that_is_lost_is_made_anew_and_ends(bare: Settings) -> None:
    run(bare)
    (bare.home / "secrets" / "monitor-key").unlink()
    assert run(bare)[1][-1] == "secrets: made monitor-key"
    with closing(PostgresKeys(bare.database_url, TIMEOUT_S, "test")) as keys:
        assert [key.state for key in keys.records()] == ["revoked", "live"]


def test_a_key_of_another_ledger_is_told_and_left(bare: Settings) -> None:
    run(bare)
    with psycopg.connect(bare.database_url) as connection:
        connection.execute("UPDATE api_keys SET revoked_at = now()")
    before = contents(bare)
    changed, notes = run(bare)
    assert not changed
    assert any("monitor-key is of no key that lives" in note for note in notes)
    assert contents(bare) == before


def test_a_password_is_made_only_where_nobody_can_sign_in(bare: Settings) -> None:
    run(bare)
    (bare.home / "secrets" / "admin-password").unlink()
    assert run(bare)[0] is False
    assert "admin-password" not in contents(bare)


@contextmanager
def schema_of_the_future(settings: Settings, serves: str) -> Iterator[Any]:
    """As the next version's migration leaves it: one more column, and who may go on."""
    migrations.upgrade(settings)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE decisions ADD COLUMN of_the_future text")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        comment = sql.Literal(SERVES.format(serves))
        connection.execute(sql.SQL("COMMENT ON TABLE alembic_version IS {}").format(comment))
        yield connection


def test_the_previous_version_goes_on_with_a_newer_schema_that_serves_it(bare: Settings) -> None:
    with (
        schema_of_the_future(bare, SCHEMA),
        closing(PostgresLedger(bare.database_url, TIMEOUT_S, "test")) as ledger,
    ):
        assert ledger.decision("nobody") is None


def test_the_previous_version_refuses_a_newer_schema_that_does_not_serve_it(bare: Settings) -> None:
    with (
        schema_of_the_future(bare, "9999"),
        closing(PostgresLedger(bare.database_url, TIMEOUT_S, "test")) as ledger,
        pytest.raises(SchemaUnknown, match="install the version that made it"),
    ):
        ledger.decision("nobody")


def test_bootstrap_of_the_previous_version_changes_nothing_of_a_newer_schema(bare: Settings) -> None:
    with schema_of_the_future(bare, SCHEMA), pytest.raises(SchemaUnknown, match="9999"):
        run(bare)
    assert not (bare.home / "secrets").exists()


def test_the_newest_schema_says_whom_it_serves(stores: Stores) -> None:
    with psycopg.connect(stores.settings.database_url) as connection:
        found = connection.execute("SELECT obj_description('alembic_version'::regclass)").fetchone()
    assert found == (SERVES.format(migrations.SERVES_SINCE),)
