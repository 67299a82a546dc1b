"""The audit table in Postgres: one chain, whoever writes at once, and no row of it changed unnoticed."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing

import msgspec
import psycopg
import pytest
from psycopg import sql

from deploy import migrations
from models.errors import LedgerUnavailable
from streams.ledger.audit import NOTHING_BEFORE, Break, Head, PostgresAudit
from tests.contracts.ledger_worlds import TIMEOUT_S, together
from tests.stores import Stores

pytestmark = pytest.mark.stack

WRITERS, EACH = 6, 20
ODD = 'line\nbreak, "quotes", \\ and 数'
REHASH = """
    UPDATE audit SET hash = sha256(prev_hash || convert_to(audit_text(audit), 'UTF8')) WHERE audit_id = %s
"""


@pytest.fixture
def audit(ledger_url: str) -> Iterator[PostgresAudit]:
    with closing(PostgresAudit(ledger_url, TIMEOUT_S, "test-audit")) as found:
        yield found


@pytest.fixture
def five(audit: PostgresAudit) -> PostgresAudit:
    """Five rows."""
    for number in range(1, 6):
        audit.note("promote", "M@champion", None, str(number), actor="ann", why=ODD, metrics={"auc": 0.5})
    return audit


def tamper(url: str, *statements: str) -> None:
    """As somebody who may do everything."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        for statement in statements:
            connection.execute(statement)
        connection.execute("ALTER TABLE audit ENABLE TRIGGER USER")


def test_an_empty_table_is_unbroken_and_has_a_head(audit: PostgresAudit) -> None:
    assert audit.first_break() is None
    assert audit.head() == Head(0, 0, NOTHING_BEFORE)
    assert audit.holds(NOTHING_BEFORE)
    assert list(audit.lines()) == []


def test_what_was_written_is_unbroken_and_ends_in_its_head(five: PostgresAudit) -> None:
    assert five.first_break() is None
    head = five.head()
    assert (head.rows, head.audit_id, len(head.hash)) == (5, 5, 32)
    assert five.holds(head.hash)
    assert not five.holds(bytes(reversed(head.hash)))


def test_each_line_can_be_proven_without_postgres(five: PostgresAudit) -> None:
    """Its hash is that of the one before and of the row's own bytes."""

    class Line(msgspec.Struct):
        prev_hash: str
        hash: str
        row: msgspec.Raw

    before = NOTHING_BEFORE
    for number, text in enumerate(five.lines(), start=1):
        line = msgspec.json.decode(text, type=Line)
        assert bytes.fromhex(line.prev_hash) == before
        before = hashlib.sha256(before + bytes(line.row)).digest()
        assert line.hash == before.hex()
        row = json.loads(bytes(line.row))
        assert (row["audit_id"], row["why"], row["outcome"]) == (number, ODD, "done")
        assert row["detail"] == {"metrics": {"auc": 0.5}}
    assert before == five.head().hash


EDITS = {
    "an edited word": ("UPDATE audit SET actor = 'eve' WHERE audit_id = 3",),
    "an edited outcome": ("UPDATE audit SET outcome = 'failed' WHERE audit_id = 3",),
    "an edited detail": ("UPDATE audit SET detail = '{}' WHERE audit_id = 3",),
    "an edited moment": ("UPDATE audit SET happened_at = happened_at + interval '1 us' WHERE audit_id = 3",),
    "an emptied word": ("UPDATE audit SET before = '' WHERE audit_id = 3",),
    "an edited hash": ("UPDATE audit SET hash = sha256(hash) WHERE audit_id = 3",),
    "two rows in each other's place": (
        "UPDATE audit SET audit_id = 99 WHERE audit_id = 3",
        "UPDATE audit SET audit_id = 3 WHERE audit_id = 4",
        "UPDATE audit SET audit_id = 4 WHERE audit_id = 99",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_row_that_was_changed_is_named(five: PostgresAudit, ledger_url: str, edit: str) -> None:
    tamper(ledger_url, *EDITS[edit])
    assert five.first_break() == Break(3, "it is not what was written")


def test_a_deleted_row_is_named(five: PostgresAudit, ledger_url: str) -> None:
    tamper(ledger_url, "DELETE FROM audit WHERE audit_id = 3")
    assert five.first_break() == Break(3, "it is gone: row 4 was written after it")


def test_a_beginning_that_was_cut_off_is_named(five: PostgresAudit, ledger_url: str) -> None:
    tamper(ledger_url, "DELETE FROM audit WHERE audit_id < 3")
    assert five.first_break() == Break(1, "it is gone: row 3 was written after it")


def test_an_edit_with_a_hash_made_to_fit_shows_in_the_next_row(five: PostgresAudit, ledger_url: str) -> None:
    tamper(ledger_url, "UPDATE audit SET actor = 'eve' WHERE audit_id = 3", REHASH.replace("%s", "3"))
    assert five.first_break() == Break(4, "it was not written after row 3")


def test_an_end_that_was_cut_off_shows_against_a_head_of_before(five: PostgresAudit, ledger_url: str) -> None:
    head = five.head()
    tamper(ledger_url, "DELETE FROM audit WHERE audit_id > 3")
    assert five.first_break() is None
    assert not five.holds(head.hash)
    five.note("promote", "M@champion", None, "9", actor="eve", why="covers it up")
    five.note("promote", "M@champion", None, "9", actor="eve", why="covers it up")
    assert five.first_break() is None
    assert five.head().audit_id == head.audit_id
    assert not five.holds(head.hash)


def test_a_function_that_was_exchanged_changes_nothing_of_what_is_found(
    five: PostgresAudit, ledger_url: str
) -> None:
    """Whoever may edit rows may edit the database's own function too: the check does not ask it."""
    with psycopg.connect(ledger_url) as connection:
        original = connection.execute("SELECT pg_get_functiondef('audit_text'::regproc)").fetchone()
    assert original is not None
    always = "CREATE OR REPLACE FUNCTION audit_text(entry audit) RETURNS text LANGUAGE sql AS $$ SELECT '' $$"
    tamper(ledger_url, always, "UPDATE audit SET actor = 'eve' WHERE audit_id = 2", REHASH.replace("%s", "2"))
    try:
        assert five.first_break() == Break(2, "it is not what was written")
    finally:
        tamper(ledger_url, original[0])


def test_many_who_write_at_once_make_one_chain(ledger_url: str, audit: PostgresAudit) -> None:
    def write() -> None:
        with closing(PostgresAudit(ledger_url, TIMEOUT_S, "test-audit")) as mine:
            for _ in range(EACH):
                mine.note("promote", "M@champion", None, "1", actor="ann", why="")

    assert together([write] * WRITERS) == [None] * WRITERS
    assert audit.first_break() is None
    assert audit.head()[:2] == (WRITERS * EACH, WRITERS * EACH)


def test_what_was_rolled_back_leaves_no_gap(five: PostgresAudit, ledger_url: str) -> None:
    insert = "INSERT INTO audit (actor, action, object, after, why) VALUES ('ann', 'try', 'x', '1', '')"
    with psycopg.connect(ledger_url) as connection:
        connection.execute(insert)
        connection.rollback()
        connection.execute(insert)
    assert five.first_break() is None
    assert five.head()[:2] == (6, 6)


def test_nobody_chooses_id_moment_or_hashes(five: PostgresAudit, ledger_url: str) -> None:
    with psycopg.connect(ledger_url) as connection:
        row = connection.execute(
            "INSERT INTO audit (audit_id, happened_at, actor, action, object, after, why, prev_hash, hash)"
            " VALUES (77, '2000-01-01', 'eve', 'try', 'x', '1', '', '\\x00', '\\x00')"
            " RETURNING audit_id, happened_at > '2020-01-01'"
        ).fetchone()
    assert row == (6, True)
    assert five.first_break() is None


def test_a_session_that_does_not_see_the_newest_row_cannot_fork_the_chain(
    five: PostgresAudit, ledger_url: str
) -> None:
    insert = "INSERT INTO audit (actor, action, object, after, why) VALUES ('ann', 'try', 'x', '1', '')"
    with psycopg.connect(ledger_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM audit")
        five.note("promote", "M@champion", None, "6", actor="ann", why="")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(insert)
    assert five.first_break() is None


def test_rows_of_before_are_chained_by_the_migration(stores: Stores) -> None:
    server = stores.settings.database_url.rpartition("/")[0]
    settings = stores.settings.model_copy(update={"database_url": f"{server}/of_before"})
    with psycopg.connect(stores.settings.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE of_before"))
    migrations.upgrade(settings, "0003")
    insert = "INSERT INTO audit (actor, action, object, after, why) VALUES ('ann', 'try', 'x', '1', %s)"
    with psycopg.connect(settings.database_url) as connection:
        connection.execute(insert, [ODD])
        connection.commit()
        connection.execute(insert, ["drawn, and rolled back"])
        connection.rollback()
        connection.execute(insert, [""])
    migrations.upgrade(settings)
    with closing(PostgresAudit(settings.database_url, TIMEOUT_S, "test-audit")) as audit:
        audit.note("promote", "M@champion", None, "1", actor="ann", why="")
        assert audit.first_break() is None
        assert audit.head()[:2] == (3, 4)
    with (
        psycopg.connect(settings.database_url) as connection,
        pytest.raises(psycopg.Error, match="only ever"),
    ):
        connection.execute("DELETE FROM audit")


def test_a_ledger_out_of_reach_is_named() -> None:
    away = PostgresAudit("postgresql://127.0.0.1:1/none", 1.0, "test")
    with closing(away), pytest.raises(LedgerUnavailable):
        away.first_break()
