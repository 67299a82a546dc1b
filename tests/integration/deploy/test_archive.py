"""On real stores: a month of decisions leaves for a file, whatever ends the work, and stays known."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest

from deploy.access import postgres_roles
from deploy.archive.errors import BadArchive, CannotArchive
from deploy.jobs import archiving
from deploy.jobs.archiving import NOT_SET, Orders, archive, listed, span_of
from deploy.jobs.asking_archive import found
from deploy.jobs.backing_up import back_up
from deploy.stack.report import Report
from deploy.stack.waiting import until
from models.archived import archived
from models.decision import DecidedTransaction
from models.errors import NotFound
from models.features import FEATURE_NAMES
from models.transaction import decode_transaction
from streams.answered import Answered
from streams.ledger import PostgresLedger
from streams.ledger import archiving as statements
from streams.ledger.archiving import PostgresArchiving
from streams.reconcile.range import Range
from streams.settings import Settings
from tests import builders
from tests.builders import NOW, encoded, label, transaction
from tests.integration.security.test_postgres_rights import address_of
from tests.integration.streams.traffic import WAIT_S, RealTraffic
from tests.stores import empty_ledger, empty_view

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

JUNE = datetime(2025, 6, 17, 12, tzinfo=UTC)
AMOUNTS = (500, 20_000, 200_000)
OLD = [f"old-{n}" for n in range(7)]


class Words(Report):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Killed(BaseException):
    """What ends the work at once."""


@pytest.fixture
def settings(own_topics: Settings, ledger_url: str, own_keyspace: str, tmp_path: Path) -> Settings:
    empty_view(own_keyspace)
    own = {"database_url": ledger_url, "redis_url": own_keyspace, "home": tmp_path / "home"}
    return own_topics.model_copy(update={**own, "keep_decisions_days": 40})


@pytest.fixture
def traffic(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealTraffic]:
    """Seven transactions that were decided in June, a label on one; three of now, of 100 days later."""
    world = RealTraffic(settings)
    with monkeypatch.context() as patch:
        patch.setattr(builders, "NOW", JUNE)
        world.send(*(payment(name, day=n) for n, name in enumerate(OLD)))
    world.label(label("old-1"))
    world.send(*(payment(f"new-{n}", day=100 + n) for n in range(3)))
    yield world
    world.close()
    empty_ledger(settings.database_url)


def payment(name: str, **changes: Any) -> dict[str, Any]:
    number = int(name.rpartition("-")[2])
    attributes = {"channel": "web", "tries": number} if number % 2 else None
    return transaction(name, amount_minor=AMOUNTS[number % 3], attributes=attributes, **changes)


def taken(settings: Settings, to: Path, report: Report | None = None, **orders: Any) -> dict[str, Any]:
    return archive(settings, Orders(str(to), NOW, who="tester", **orders), report or Report())


def asked(settings: Settings, query: str) -> list[Any]:
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(query).fetchall()


def ids(settings: Settings) -> list[str]:
    return [name for (name,) in asked(settings, "SELECT transaction_id FROM decisions ORDER BY 1")]


def left_ids(settings: Settings) -> list[str]:
    return [name for (name,) in asked(settings, "SELECT transaction_id FROM archived_decisions ORDER BY 1")]


def in_files(to: Path) -> list[str]:
    tables = (pq.read_table(file) for file in to.rglob("*.parquet"))
    return [name for table in tables for name in table["transaction_id"].to_pylist()]


def decisions(traffic: RealTraffic) -> dict[str, DecidedTransaction]:
    found = {name: traffic.ledger.decision(name) for name in OLD}
    return {name: decided for name, decided in found.items() if decided is not None}


def test_a_month_leaves_whole_and_the_rest_stays(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    before = decisions(traffic)
    counts = asked(settings, "SELECT sum(approve), sum(review), sum(decline) FROM decision_counts")
    told = taken(settings, tmp_path / "archive")
    (month,) = told["archived"]
    assert (month["month"], month["rows"], month["moved"], told["moved"]) == ("2025-06", 7, 7, 7)
    assert ids(settings) == ["new-0", "new-1", "new-2"]
    assert left_ids(settings) == OLD == in_files(tmp_path)
    assert {name: traffic.ledger.archived(name) for name in OLD} == {
        name: archived(decided) for name, decided in before.items()
    }
    assert asked(settings, "SELECT sum(approve), sum(review), sum(decline) FROM decision_counts") == counts
    assert asked(settings, "SELECT count(*) FROM labels") == [(1,)]
    assert asked(settings, "SELECT actor, action, outcome, after FROM audit ORDER BY audit_id") == [
        ("tester", "archive", "begun", ""),
        ("tester", "archive", "done", "7 decisions"),
    ]


def test_the_file_holds_all_that_stood_in_the_rows(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    before = decisions(traffic)
    features = dict(asked(settings, "SELECT transaction_id, features FROM decisions"))
    taken(settings, tmp_path)
    documents = {each["transaction_id"]: each for each in found(settings, [], {}, Report())}
    assert list(documents) == OLD
    for name, decided in before.items():
        told = documents[name]
        row = msgspec.convert({**told, "reasons": told["reasons"] or []}, DecidedTransaction)
        assert row == decided
        assert np.array(list(told["features"].values()), "<f4").tobytes() == features[name]


def test_archived_decisions_are_found_by_month_and_by_id(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    taken(settings, tmp_path)
    (only,) = found(settings, [], {"transaction_id": "old-3"}, Report())
    assert (only["transaction_id"], only["attributes"]) == ("old-3", {"channel": "web", "tries": 3})
    declined = found(settings, [date(2025, 6, 1)], {"decision": "decline"}, Report())
    assert [each["transaction_id"] for each in declined] == ["old-2", "old-5"]
    with pytest.raises(NotFound, match="new-1 is not in the archive"):
        list(found(settings, [], {"transaction_id": "new-1"}, Report()))
    with pytest.raises(NotFound, match="2025-07 is not in the archive"):
        list(found(settings, [date(2025, 7, 1)], {}, Report()))


def test_a_second_run_finds_nothing_to_do(traffic: RealTraffic, settings: Settings, tmp_path: Path) -> None:
    taken(settings, tmp_path)
    assert taken(settings, tmp_path)["archived"] == []
    assert left_ids(settings) == OLD


def test_a_dry_run_changes_nothing(traffic: RealTraffic, settings: Settings, tmp_path: Path) -> None:
    told = taken(settings, tmp_path, dry_run=True)
    assert told["archived"] == [{"month": "2025-06", "rows": 7, "moved": 0}]
    assert (len(ids(settings)), left_ids(settings), in_files(tmp_path)) == (10, [], [])
    assert asked(settings, "SELECT count(*) FROM audit") == [(0,)]


def test_without_the_setting_nothing_leaves(traffic: RealTraffic, settings: Settings, tmp_path: Path) -> None:
    words = Words()
    told = taken(settings.model_copy(update={"keep_decisions_days": None}), tmp_path, words)
    assert (told["moved"], words.notes, len(ids(settings))) == (0, [NOT_SET], 10)


KILLS = {
    "before the file is written": (archiving, "write", False),
    "after the file is written": (archiving, "write", True),
    "after the file is put": (archiving, "put", True),
    "before the month is noted": (PostgresArchiving, "begin", False),
    "after the month is noted": (PostgresArchiving, "begin", True),
    "before the first rows leave": (PostgresArchiving, "move", False),
    "after the first rows have left": (PostgresArchiving, "move", True),
    "within the transaction of the first rows": (statements, "_refuse_less", True),
    "before it is finished": (PostgresArchiving, "finish", False),
    "after it is finished": (PostgresArchiving, "finish", True),
}


@pytest.mark.parametrize("when", KILLS)
def test_killed_anywhere_the_next_run_goes_on_and_nothing_is_lost(
    when: str, traffic: RealTraffic, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "MOVED_AT_ONCE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(*killing(*KILLS[when]))
        with pytest.raises(Killed):
            taken(settings, tmp_path)
    assert sorted(ids(settings) + left_ids(settings)) == sorted([*OLD, "new-0", "new-1", "new-2"])
    assert set(left_ids(settings)) <= set(in_files(tmp_path))
    taken(settings, tmp_path)
    assert (len(ids(settings)), left_ids(settings), in_files(tmp_path)) == (3, OLD, OLD)
    (month,) = listed(settings)
    assert month.finished_at is not None


def killing(where: Any, name: str, is_done_first: bool) -> tuple[Any, str, Callable[..., Any]]:
    real = getattr(where, name)

    def step(*values: Any, **named: Any) -> Any:
        if is_done_first:
            real(*values, **named)
        raise Killed

    return where, name, step


def test_rows_leave_only_by_a_file_that_is_what_was_written(
    traffic: RealTraffic, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(*killing(PostgresArchiving, "begin", True))
        with pytest.raises(Killed):
            taken(settings, tmp_path)
    (file,) = tmp_path.rglob("*.parquet")
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"?")
    with pytest.raises(BadArchive, match=r"decisions-2025-06.parquet of .* is not what was written"):
        taken(settings, tmp_path)
    file.unlink()
    with pytest.raises(BadArchive, match="is not what was written"):
        taken(settings, tmp_path)
    assert (len(ids(settings)), left_ids(settings)) == (10, [])
    file.write_bytes(content)
    assert taken(settings, tmp_path)["moved"] == 7


def test_of_two_archivings_one_waits(traffic: RealTraffic, settings: Settings, tmp_path: Path) -> None:
    other = PostgresArchiving(settings.database_url, 10)
    with other.alone() as is_alone:
        assert is_alone
        with pytest.raises(CannotArchive, match="another archiving is at work"):
            taken(settings, tmp_path)
    assert taken(settings, tmp_path)["moved"] == 7


def test_an_insert_that_waits_for_an_archiving_sees_what_it_did(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    """The row is there when the insert begins, and gone when it looks again."""
    decided = decisions(traffic)["old-1"]
    made = Answered(decided, np.zeros(len(FEATURE_NAMES), np.float32))
    with psycopg.connect(settings.database_url) as archiver, ThreadPoolExecutor(1) as threads:
        ids_and_hashes = [["old-1"], [archived(decided).body_hash]]
        archiver.execute(statements.MOVE, [*ids_and_hashes, *span_of(date(2025, 6, 1))])
        answer = threads.submit(traffic.ledger.answer, [made])
        until(lambda: waits_for_a_lock(traffic.operator), within_s=WAIT_S)
        archiver.commit()
        assert answer.result(WAIT_S) == {"old-1": archived(decided)}


def waits_for_a_lock(connection: psycopg.Connection[Any]) -> bool:
    query = "SELECT wait_event_type FROM pg_stat_activity WHERE application_name = 'traffic'"
    return connection.execute(query).fetchall() == [("Lock",)]


def test_a_month_with_answers_that_wait_for_their_records_stays(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    traffic.operator.execute(
        "UPDATE decisions SET path = 'rest', incarnation = NULL, partition = NULL, \"offset\" = NULL"
        " WHERE transaction_id = 'old-2'"
    )
    words = Words()
    told = taken(settings, tmp_path, words)
    why = "1 of its decisions by REST wait for their records"
    assert told["held_back"] == [{"month": "2025-06", "why": why}]
    assert words.notes == [f"2025-06 stays: {why}"]
    assert len(ids(settings)) == 10


def test_a_month_that_the_windows_still_reach_into_stays(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    """As in a replay of old transactions that was left for two months."""
    traffic.operator.execute(
        "UPDATE decisions SET event_time = event_time - interval '70 days' WHERE decided_at > %s", [JUNE]
    )
    told = taken(settings, tmp_path)
    assert [each["month"] for each in told["held_back"]] == ["2025-06"]
    assert len(ids(settings)) == 10


def test_what_has_left_is_no_finding_and_late_copies_are_duplicates(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    taken(settings, tmp_path)
    traffic.send(
        payment("old-3", day=3), payment("old-4", day=4, customer_id="c-9"), payment("new-5", day=105)
    )
    traffic.label(label("old-2"), label("old-1", version=2, label="genuine"))
    outcome = traffic.reconcile(Range())
    assert outcome.first() == []
    assert outcome.proven == outcome.records
    (partition,) = [each for each in outcome.partitions if each["own"] and "transactions" in each["topic"]]
    assert (partition["archived"], partition["conflicts"]) == (9, 1)
    assert ids(settings) == ["new-0", "new-1", "new-2", "new-5"]


def test_histories_are_made_anew_without_what_has_left(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    taken(settings, tmp_path)
    empty_view(settings.redis_url)
    traffic.send(payment("new-6", day=106))
    assert traffic.reconcile(Range()).first() == []


def test_a_history_that_has_lost_what_counts_is_still_found(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    taken(settings, tmp_path)
    traffic.operator.execute("DELETE FROM decisions WHERE transaction_id = 'new-1'")
    assert any("the history of customer c-1" in each for each in traffic.reconcile(Range()).first())


def test_the_manifest_tells_what_the_file_is(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    taken(settings, tmp_path)
    (path,) = tmp_path.rglob("*.json")
    (month,) = listed(settings)
    told = json.loads(path.read_bytes())
    assert (told["format"], told["month"], told["rows"], told["sha256"]) == (
        "fraudml-archive/1",
        "2025-06-01",
        7,
        month.sha256,
    )
    assert path.parent.name == told["ledger_id"] == str(asked(settings, "SELECT ledger_id FROM ledger")[0][0])


def test_a_backup_says_where_what_has_left_lies(
    traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    taken(settings, tmp_path / "archive")
    made = back_up(settings, str(tmp_path / "backups"), None, Report(), who="tester", why="")
    (said,) = [each for each in made.manifest.left_out if each.startswith("archived decisions")]
    (month,) = listed(settings)
    assert said == f"archived decisions: 1 months, 2025-06 to 2025-06, are files in {month.place}: keep them"
    assert (made.manifest.rows["archived_decisions"], made.manifest.rows["archived_months"]) == (7, 1)


@pytest.mark.parametrize("role", ["worker", "gateway"])
def test_whoever_decides_is_told_and_may_change_nothing_of_it(
    role: str, traffic: RealTraffic, settings: Settings, tmp_path: Path
) -> None:
    taken(settings, tmp_path)
    with psycopg.connect(settings.database_url, autocommit=True) as owner:
        owner.execute(f"DROP ROLE IF EXISTS late_{role}")
    url = address_of(settings.database_url, f"late_{role}")
    roles = settings.model_copy(update={f"database_url_{role}": url})
    postgres_roles.apply(roles)
    with closing(PostgresLedger(url, WAIT_S, role)) as ledger:
        left = ledger.archived("old-1")
        assert left is not None
        decided = left.about(decode_transaction(encoded(payment("old-1", day=1))))
        made = Answered(decided, np.zeros(len(FEATURE_NAMES), np.float32))
        assert ledger.answer([made]) == {"old-1": left}
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "DELETE FROM archived_decisions",
            "UPDATE archived_decisions SET decision = 'approve'",
            "INSERT INTO archived_months SELECT * FROM archived_months",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
