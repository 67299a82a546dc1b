"""A flood of malformed records stops its partition at one certain record; a few of them do not."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import LedgerUnavailable
from streams.poison import PoisonLimit
from streams.ports import Poison
from streams.topics import Partition
from tests.builders import Log, Worker, continued, label, sweep_of, transaction

BAD = b"{oops"
LIMIT = PoisonLimit(share=0.3, in_a_row=4, window=10)  # three of ten pass
NEVER = Poison([], 0)


def judged(offsets: Sequence[int], limit: PoisonLimit = LIMIT, allowed_until: int = 0) -> int | None:
    return limit.first_too_many(offsets, Poison([], allowed_until))


def test_by_default_ten_of_the_last_thousand_pass_and_the_eleventh_does_not() -> None:
    every_tenth = range(999, 2000, 10)
    assert judged(list(every_tenth)[:10], PoisonLimit()) is None
    assert judged(every_tenth, PoisonLimit()) == 999 + 10 * 10


def test_by_default_forty_nine_in_a_row_pass_where_there_are_no_thousand_yet() -> None:
    assert judged(range(49), PoisonLimit()) is None
    assert judged(range(60), PoisonLimit()) == 49


def test_a_share_is_told_of_a_whole_window_only() -> None:
    assert judged([0, 2, 4, 6, 8]) is None
    assert judged([0, 2, 4, 6, 9]) == 9


def test_what_lies_before_the_window_counts_no_more() -> None:
    assert judged([20, 22, 24, 30]) is None
    assert judged([21, 22, 24, 30]) == 30


def test_a_good_record_ends_a_row() -> None:
    assert judged([0, 1, 2, 4, 5, 6], PoisonLimit(1.0, 4, 10)) is None
    assert judged([0, 1, 2, 3], PoisonLimit(1.0, 4, 10)) == 3


def test_what_was_recorded_before_counts_with_what_comes() -> None:
    assert LIMIT.first_too_many([3], Poison([0, 1, 2], 0)) == 3


def test_what_somebody_has_allowed_passes_and_counting_begins_anew_behind_it() -> None:
    assert judged(range(100), allowed_until=100) is None
    assert judged(range(110), allowed_until=100) == 103


@given(st.sets(st.integers(0, 60)).map(sorted), st.integers(0, 60))
def test_any_cut_into_sweeps_stops_at_the_same_record(offsets: list[int], cut: int) -> None:
    first = [offset for offset in offsets if offset < cut]
    found = judged(first)
    if found is None:
        rest = [offset for offset in offsets if offset >= cut]
        reach = [offset for offset in first if offset >= (rest or [0])[0] - LIMIT.reach]
        found = LIMIT.first_too_many(rest, Poison(reach, 0))
    assert found == judged(offsets)


def flooded() -> Worker:
    worker = Worker(limit=LIMIT)
    worker.decide(transaction("a"), *[BAD] * 6, transaction("b"))
    return worker


def test_a_flood_stops_its_partition_before_the_record_that_is_one_too_many() -> None:
    worker = flooded()
    assert worker.held == [("transactions", {0: 4})]
    assert worker.ledger.progress("transactions-id", [0]) == {0: 4}
    assert worker.outbox.offsets == {("transactions", 0): 4}
    assert [letter.offset for letter in worker.outbox.dead] == [1, 2, 3]
    assert set(worker.ledger.rows) == {"a"}


def test_other_partitions_of_the_sweep_go_on() -> None:
    worker = Worker(limit=LIMIT)
    log = Log()
    log.produce(*[BAD] * 9, partition=0)
    log.produce(transaction("a"), transaction("b"), partition=1)
    worker.handle(log.sweep())
    assert worker.ledger.progress("transactions-id", [0, 1]) == {0: 3, 1: 2}
    assert set(worker.ledger.rows) == {"a", "b"}


def test_a_partition_that_begins_with_one_too_many_settles_nothing() -> None:
    worker = flooded()
    again = worker.restarted(limit=LIMIT)
    again.decide(*[BAD] * 3)
    assert again.held == [("transactions", {0: 4})]
    assert again.ledger.progress("transactions-id", [0]) == {0: 4}
    assert len(again.outbox.dead) == 3


def test_an_allowed_partition_goes_on_and_its_dead_letters_are_complete() -> None:
    worker = flooded()
    worker.ledger.allow_poison("transactions", Partition("transactions-id", 0), 7)
    again = worker.restarted(limit=LIMIT)
    again.decide(*[BAD] * 3, transaction("b"))
    assert again.held == []
    assert [letter.offset for letter in again.outbox.dead] == [1, 2, 3, 4, 5, 6]
    assert set(again.ledger.rows) == {"a", "b"}


def test_what_comes_again_is_set_aside_again_and_stops_nothing() -> None:
    worker = Worker(limit=LIMIT)
    sweep = sweep_of(*[BAD] * 3)
    worker.handle(sweep)
    again = worker.restarted(limit=LIMIT)
    again.handle(sweep)
    assert again.held == []


def test_labels_stop_as_transactions_do() -> None:
    worker = Worker(limit=LIMIT)
    worker.label(label("a"), *[BAD] * 6)
    assert worker.held == [("labels", {0: 4})]
    assert worker.ledger.progress("labels-id", [0]) == {0: 4}


def test_a_ledger_that_cannot_be_asked_stops_nothing_and_settles_nothing() -> None:
    worker = Worker(limit=LIMIT)
    sweep = continued(worker.ledger, "transactions", [BAD] * 9)
    worker.ledger.poison = lambda *_: _unreachable()
    with pytest.raises(LedgerUnavailable):
        worker.handle(sweep)
    assert worker.outbox.dead == []


def _unreachable() -> None:
    raise LedgerUnavailable("it is away")
