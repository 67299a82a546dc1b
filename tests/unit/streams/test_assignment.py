"""Where a worker starts to read, and when it rather stops."""

from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import Halt, LogBehindLedger, LogExpired, OffsetsMissing
from streams.assignment import Standing, starting_offset, starting_offsets

offsets = st.integers(0, 12)
standings = st.builds(
    Standing, st.just("transactions"), st.just(3), st.none() | offsets, offsets, offsets, offsets
)

SOUND = Standing("transactions", 3, committed=5, progress=7, first=0, last=10)


@pytest.mark.parametrize(
    ("committed", "progress", "start"),
    [(5, 7, 5), (7, 7, 7), (7, 5, 5), (0, 0, 0), (3, 0, 0)],
    ids=["behind the ledger", "level", "ahead of a restored ledger", "new", "ledger emptied"],
)
def test_it_starts_at_the_smaller_of_committed_offset_and_progress(
    committed: int, progress: int, start: int
) -> None:
    assert starting_offset(replace(SOUND, committed=committed, progress=progress)) == start


def test_a_new_group_on_an_empty_ledger_starts_where_the_log_begins() -> None:
    assert starting_offset(replace(SOUND, committed=None, progress=0, first=4)) == 4


def test_no_committed_offset_though_the_ledger_has_progress_stops() -> None:
    with pytest.raises(OffsetsMissing, match="partition 3, and the ledger has settled 7"):
        starting_offset(replace(SOUND, committed=None))


def test_a_log_that_ends_below_the_progress_stops() -> None:
    with pytest.raises(LogBehindLedger, match="ends at offset 6, and the ledger has settled 7"):
        starting_offset(replace(SOUND, last=6))


def test_a_log_that_ends_at_the_progress_is_sound() -> None:
    assert starting_offset(replace(SOUND, last=7)) == 5


def test_records_that_expired_before_they_were_decided_stop() -> None:
    with pytest.raises(LogExpired, match="begins at offset 6, and 5 is needed"):
        starting_offset(replace(SOUND, first=6))


def test_records_that_expired_after_they_were_decided_do_not() -> None:
    assert starting_offset(replace(SOUND, first=5)) == 5


@given(standings)
def test_no_record_is_skipped_and_none_is_invented(standing: Standing) -> None:
    """Whatever it answers lies in the log, and nothing undecided or without its alert lies before it."""
    assume(standing.first <= standing.last)
    try:
        start = starting_offset(standing)
    except Halt:
        return
    assert standing.first <= start
    assert start <= standing.progress or standing.committed is None
    assert standing.committed is None or start <= standing.committed
    assert standing.committed is not None or start == standing.first


@given(standings)
def test_it_stops_only_for_a_reason(standing: Standing) -> None:
    assume(standing.first <= standing.last)
    whole = standing.last >= standing.progress
    if standing.committed is None:
        sound = whole and standing.progress == 0
    else:
        sound = whole and min(standing.committed, standing.progress) >= standing.first
    try:
        starting_offset(standing)
        stopped = False
    except Halt:
        stopped = True
    assert stopped is not sound


def test_the_progress_is_read_before_anything_that_may_only_know_more() -> None:
    """Else a worker that settles meanwhile makes the log look too short, or the group look too new."""
    asked: list[str] = []

    class Asked:
        def committed(self, places: Any, timeout_s: float) -> Any:
            assert timeout_s == 20.0, "transactions in flight may take longer to end than Kafka to answer"
            asked.append("committed")
            return [TopicPartition(place.topic, place.partition, 3) for place in places]

        def get_watermark_offsets(self, place: Any, timeout_s: float) -> tuple[int, int]:
            asked.append("log")
            return 0, 9

    def progress(topic_id: str, numbers: Any) -> dict[int, int]:
        asked.append("progress")
        return dict.fromkeys(numbers, 3)

    starting_offsets(Asked(), [("t", 0), ("t", 1)], {"t": "id"}, progress, 1.0, 20.0)
    assert asked == ["progress", "progress", "committed", "log", "log"]
