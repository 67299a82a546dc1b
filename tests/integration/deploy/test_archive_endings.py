"""Whatever ends an archiving, and whoever is at work beside it, nothing is lost and nothing is doubled."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.archive.errors import BadArchive, CannotArchive
from deploy.jobs import archiving
from deploy.jobs.archiving import listed, span_of
from deploy.stack.waiting import until
from models.archived import archived
from streams.ledger import archiving as statements
from streams.ledger.archiving import PostgresArchiving
from streams.settings import Settings
from tests.integration.deploy.archives import OLD, Killed, by_rest, decisions, ids, in_files, left_ids, taken
from tests.integration.streams.traffic import WAIT_S, RealTraffic

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


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
    when: str, aged: RealTraffic, keeping: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "MOVED_AT_ONCE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(*killing(*KILLS[when]))
        with pytest.raises(Killed):
            taken(keeping, tmp_path)
    assert sorted(ids(keeping) + left_ids(keeping)) == sorted([*OLD, "new-0", "new-1", "new-2"])
    assert set(left_ids(keeping)) <= set(in_files(tmp_path))
    taken(keeping, tmp_path)
    assert (len(ids(keeping)), left_ids(keeping), in_files(tmp_path)) == (3, OLD, OLD)
    (month,) = listed(keeping)
    assert month.finished_at is not None


def killing(where: Any, name: str, is_done_first: bool) -> tuple[Any, str, Callable[..., Any]]:
    real = getattr(where, name)

    def step(*values: Any, **named: Any) -> Any:
        if is_done_first:
            real(*values, **named)
        raise Killed

    return where, name, step


def test_rows_leave_only_by_a_file_that_is_what_was_written(
    aged: RealTraffic, keeping: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(*killing(PostgresArchiving, "begin", True))
        with pytest.raises(Killed):
            taken(keeping, tmp_path)
    (file,) = tmp_path.rglob("*.parquet")
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"?")
    with pytest.raises(BadArchive, match=r"decisions-2025-06.parquet of .* is not what was written"):
        taken(keeping, tmp_path)
    file.unlink()
    with pytest.raises(BadArchive, match="is not what was written"):
        taken(keeping, tmp_path)
    assert (len(ids(keeping)), left_ids(keeping)) == (10, [])
    file.write_bytes(content)
    assert taken(keeping, tmp_path)["moved"] == 7


def test_of_two_archivings_one_waits(aged: RealTraffic, keeping: Settings, tmp_path: Path) -> None:
    other = PostgresArchiving(keeping.database_url, 10)
    with other.alone() as is_alone:
        assert is_alone
        with pytest.raises(CannotArchive, match="another archiving is at work"):
            taken(keeping, tmp_path)
    assert taken(keeping, tmp_path)["moved"] == 7


def test_an_insert_that_waits_for_an_archiving_sees_what_it_did(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    """The row is there when the insert begins, and gone when it looks again."""
    decided = decisions(aged)["old-1"]
    with psycopg.connect(keeping.database_url) as archiver, ThreadPoolExecutor(1) as threads:
        ids_and_hashes = [["old-1"], [archived(decided).body_hash]]
        archiver.execute(statements.MOVE, [*ids_and_hashes, *span_of(date(2025, 6, 1))])
        answer = threads.submit(aged.ledger.answer, [by_rest(decided)])
        until(lambda: waits_for_a_lock(aged.operator), within_s=WAIT_S)
        archiver.commit()
        assert answer.result(WAIT_S) == {"old-1": archived(decided)}


def waits_for_a_lock(connection: psycopg.Connection[Any]) -> bool:
    query = "SELECT wait_event_type FROM pg_stat_activity WHERE application_name = 'traffic'"
    return connection.execute(query).fetchall() == [("Lock",)]
