"""A restored ledger goes on with the log that it has read, or says that it is another one."""

import pytest

from deploy.backup.errors import OtherLog
from deploy.backup.log_now import LogNow, progress_of, refuse_another_log, undecided
from deploy.backup.manifest import Manifest, Position
from streams.topics import Partition
from tests.unit.deploy.backup.backups import manifest

SETTLED = [
    Position("transactions", "id-t", 0, 100, 130),
    Position("transactions", "id-t", 1, 50, 50),
    Position("labels", "id-l", 0, 7, 9),
]
TOPICS = {"transactions": "id-t", "labels": "id-l"}
ENDS = {"transactions": {0: (0, 200), 1: (0, 50)}, "labels": {0: (0, 9)}}


def taken() -> Manifest:
    return manifest(positions=SETTLED, topics=TOPICS)


def now(ids: dict[str, str] | None = None, **ends: dict[int, tuple[int, int]]) -> LogNow:
    committed = {"transactions": {0: 180, 1: 50}, "labels": {0: 9}}
    return LogNow(ids or TOPICS, {**ENDS, **ends}, committed, {"alerts": {0: 12}})


def test_the_log_that_was_read_is_gone_on_with() -> None:
    refuse_another_log(taken(), now(), new_log=False)


def test_what_is_read_again_is_counted_from_the_backup_on() -> None:
    assert now().read_again(progress_of(taken())) == {"transactions": 80, "labels": 2}


def test_what_waited_at_the_backup_is_counted() -> None:
    assert undecided(taken()) == {"transactions": 30, "labels": 2}


def test_topics_made_anew_are_not_taken_for_those_that_were_read() -> None:
    with pytest.raises(OtherLog, match=r"transactions is not the one .* restore --new-log"):
        refuse_another_log(taken(), now({"transactions": "id-t2", "labels": "id-l"}), new_log=False)


def test_topics_that_are_there_are_not_taken_for_lost() -> None:
    with pytest.raises(OtherLog, match=r"nothing of it is lost. Next: fraudml restore without --new-log"):
        refuse_another_log(taken(), now(), new_log=True)


def test_new_topics_are_taken_where_the_old_ones_are_lost() -> None:
    refuse_another_log(taken(), now({"transactions": "id-t2", "labels": "id-l2"}), new_log=True)


def test_a_backup_of_a_ledger_that_has_read_nothing_goes_on_with_any_log() -> None:
    refuse_another_log(manifest(), now(), new_log=False)


def test_a_log_that_ends_below_the_progress_is_refused() -> None:
    with pytest.raises(
        OtherLog, match="transactions partition 0 ends at offset 99, and the backup has settled 100"
    ):
        refuse_another_log(taken(), now(transactions={0: (0, 99), 1: (0, 50)}), new_log=False)


def test_a_log_that_begins_above_the_progress_is_refused() -> None:
    with pytest.raises(OtherLog, match="labels partition 0 begins at offset 8, and 7 is needed"):
        refuse_another_log(taken(), now(labels={0: (8, 9)}), new_log=False)


def test_a_partition_that_the_ledger_never_read_is_known_to_begin_at_nothing() -> None:
    restored = now(transactions={0: (0, 200), 1: (0, 50), 2: (0, 5)}).restored(progress_of(taken()))
    assert restored.progress[Partition("id-t", 2)] == 0
    assert restored.progress[Partition("id-t", 0)] == 100
    assert restored.sent == {"alerts": {0: 12}}
