"""What has left is found in its files; what must stay stays, and says why."""

import json
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from deploy.jobs.archiving import Orders, archive, listed
from deploy.jobs.asking_archive import found
from deploy.jobs.backing_up import back_up
from deploy.stack.report import Report
from models.decision import DecidedTransaction
from models.errors import NotFound
from streams.reconcile.range import Range
from streams.settings import Settings
from tests.builders import NOW
from tests.integration.deploy.archives import (
    JUNE,
    OLD,
    Words,
    asked,
    decisions,
    ids,
    in_files,
    left_ids,
    payment,
    taken,
)
from tests.integration.streams.traffic import RealTraffic
from tests.stores import empty_view

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_file_holds_all_that_stood_in_the_rows(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    before = decisions(aged)
    features = dict(asked(keeping, "SELECT transaction_id, features FROM decisions"))
    taken(keeping, tmp_path)
    documents = {each["transaction_id"]: each for each in found(keeping, [], {}, Report())}
    assert list(documents) == OLD
    for name, decided in before.items():
        told = documents[name]
        row = msgspec.convert({**told, "reasons": told["reasons"] or []}, DecidedTransaction)
        assert row == decided
        assert np.array(list(told["features"].values()), "<f4").tobytes() == features[name]


def test_archived_decisions_are_found_by_month_and_by_id(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    taken(keeping, tmp_path)
    (only,) = found(keeping, [], {"transaction_id": "old-3"}, Report())
    assert (only["transaction_id"], only["attributes"]) == ("old-3", {"channel": "web", "tries": 3})
    declined = found(keeping, [date(2025, 6, 1)], {"decision": "decline"}, Report())
    assert [each["transaction_id"] for each in declined] == ["old-2", "old-5"]
    with pytest.raises(NotFound, match="new-1 is not in the archive"):
        list(found(keeping, [], {"transaction_id": "new-1"}, Report()))
    with pytest.raises(NotFound, match="2025-07 is not in the archive"):
        list(found(keeping, [date(2025, 7, 1)], {}, Report()))


def test_a_second_run_finds_nothing_to_do(aged: RealTraffic, keeping: Settings, tmp_path: Path) -> None:
    taken(keeping, tmp_path)
    assert taken(keeping, tmp_path)["archived"] == []
    assert left_ids(keeping) == OLD


def test_a_dry_run_changes_nothing(aged: RealTraffic, keeping: Settings, tmp_path: Path) -> None:
    told = taken(keeping, tmp_path, dry_run=True)
    assert told["archived"] == [{"month": "2025-06", "rows": 7, "moved": 0}]
    assert (len(ids(keeping)), left_ids(keeping), in_files(tmp_path)) == (10, [], [])
    assert asked(keeping, "SELECT count(*) FROM audit") == [(0,)]


def test_a_month_with_answers_that_wait_for_their_records_stays(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    aged.operator.execute(
        "UPDATE decisions SET path = 'rest', incarnation = NULL, partition = NULL, \"offset\" = NULL"
        " WHERE transaction_id = 'old-2'"
    )
    words = Words()
    told = taken(keeping, tmp_path, words)
    why = "1 of its decisions by REST wait for their records"
    assert told["held_back"] == [{"month": "2025-06", "why": why}]
    assert words.notes == [f"2025-06 stays: {why}"]
    assert len(ids(keeping)) == 10


def test_a_month_that_the_windows_still_reach_into_stays(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    """As in a replay of old transactions that was left for two months."""
    aged.operator.execute(
        "UPDATE decisions SET event_time = event_time - interval '70 days' WHERE decided_at > %s", [JUNE]
    )
    told = taken(keeping, tmp_path)
    assert [each["month"] for each in told["held_back"]] == ["2025-06"]
    assert len(ids(keeping)) == 10


def test_histories_are_made_anew_without_what_has_left(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    taken(keeping, tmp_path)
    empty_view(keeping.redis_url)
    aged.send(payment("new-6", day=106))
    assert aged.reconcile(Range()).first() == []


def test_a_history_that_has_lost_what_counts_is_still_found(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    taken(keeping, tmp_path)
    aged.operator.execute("DELETE FROM decisions WHERE transaction_id = 'new-1'")
    assert any("the history of customer c-1" in each for each in aged.reconcile(Range()).first())


def test_the_manifest_tells_what_the_file_is(aged: RealTraffic, keeping: Settings, tmp_path: Path) -> None:
    taken(keeping, tmp_path)
    (path,) = tmp_path.rglob("*.json")
    (month,) = listed(keeping)
    told = json.loads(path.read_bytes())
    assert (told["format"], told["month"], told["rows"], told["sha256"]) == (
        "fraudml-archive/1",
        "2025-06-01",
        7,
        month.sha256,
    )
    assert path.parent.name == told["ledger_id"] == str(asked(keeping, "SELECT ledger_id FROM ledger")[0][0])


def test_a_backup_says_where_what_has_left_lies(aged: RealTraffic, keeping: Settings, tmp_path: Path) -> None:
    taken(keeping, tmp_path / "archive")
    made = back_up(keeping, str(tmp_path / "backups"), None, Report(), who="tester", why="")
    (said,) = [each for each in made.manifest.left_out if each.startswith("archived decisions")]
    (month,) = listed(keeping)
    assert said == f"archived decisions: 1 months, 2025-06 to 2025-06, are files in {month.place}: keep them"
    assert (made.manifest.rows["archived_decisions"], made.manifest.rows["archived_months"]) == (7, 1)


def test_a_month_leaves_for_a_bucket_and_is_asked_there(
    aged: RealTraffic, keeping: Settings, bucket: str
) -> None:
    (month,) = archive(keeping, Orders(bucket, NOW, who="tester"), Report())["archived"]
    assert month["place"].startswith(f"{bucket}/")
    assert left_ids(keeping) == OLD
    (only,) = found(keeping, [], {"transaction_id": "old-6"}, Report())
    assert only["transaction_id"] == "old-6"
