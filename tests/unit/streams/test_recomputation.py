"""Histories as the view holds them, and as the ledger's rows give them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.doubles import FakeView, Group
from models.errors import ViewMoved
from models.features import Entity
from models.history import EVENT, MARK, Retention, compacted, pack
from streams import recomputation
from streams.ledger.scan import MarkRow, OwnedRow
from streams.recomputation import Recomputed, canonical, read_histories
from streams.topics import Partition
from tests.builders import TOPIC_IDS, Log, Worker, label, transaction

T0, T1, L0 = Partition("t", 0), Partition("t", 1), Partition("l", 0)


def row(at: int, **fields: Any) -> OwnedRow:
    """A row at an offset of partition 0, and at that second."""
    found = OwnedRow("t", 0, at, f"tx-{at}", "approve", False, "c-1", "t-1", 100 + at, at)
    return found._replace(**fields)


def packed(kind: int, *times_and_payloads: tuple[int, int]) -> bytes:
    columns = np.array(times_and_payloads, np.int64).reshape(-1, 2)
    return pack(columns[:, 0], columns[:, 1], kind).tobytes()


def test_a_row_gives_its_customer_an_amount_and_its_terminal_a_visit() -> None:
    found = Recomputed([row(3)], [])
    assert found.history("customer", "c-1", {T0: 4}) == packed(EVENT, (3, 103))
    assert found.history("terminal", "t-1", {T0: 4}) == packed(EVENT, (3, 0))


def test_a_mark_is_added_to_its_terminal_alone() -> None:
    found = Recomputed([], [MarkRow("l", 0, 5, "t-1", 9, -1)])
    assert found.history("terminal", "t-1", {L0: 6}) == packed(MARK, (9, -1))
    assert found.names("customer") == set()


def test_only_what_is_below_the_watermark_of_its_own_partition_counts() -> None:
    rows = [row(1), row(2), row(1, partition=1, amount_minor=7), row(2, partition=1)]
    found = Recomputed(rows, [MarkRow("l", 0, 5, "t-1", 9, 1)])
    assert found.history("customer", "c-1", {T0: 2, T1: 2}) == packed(EVENT, (1, 101), (1, 7))
    assert found.history("terminal", "t-1", {T0: 0, T1: 0, L0: 5}) == b""
    assert found.history("customer", "c-1", {}) == b""


@pytest.mark.parametrize(
    "left_out",
    [row(1, late=True), row(1, topic_id=None, partition=None, offset=None)],
    ids=["late", "by rest"],
)
def test_what_is_in_no_history_gives_none(left_out: OwnedRow) -> None:
    assert Recomputed([left_out], []).names("customer") == set()


def test_an_entity_without_rows_has_an_empty_history() -> None:
    assert Recomputed([], []).history("terminal", "t-9", {T0: 9}) == b""


@given(st.permutations([(0, 5), (0, 5), (1, 2), (90_000, 7), (90_001, 1)]), st.sampled_from([2, 4096]))
def test_the_order_of_the_records_does_not_matter(order: list[tuple[int, int]], exact_events: int) -> None:
    retention = Retention(exact_events=exact_events)
    in_order = canonical(packed(EVENT, *sorted(order)), "customer", retention)
    assert canonical(packed(EVENT, *order), "customer", retention) == in_order


@given(st.lists(st.tuples(st.integers(0, 60 * 86_400), st.integers(0, 10**12)), max_size=12))
def test_a_history_that_was_compacted_before_means_the_same(records: list[tuple[int, int]]) -> None:
    retention = Retention(exact_events=3)
    raw = packed(EVENT, *records)
    smaller = compacted(raw, "customer", retention)
    assert canonical(smaller, "customer", retention) == canonical(raw, "customer", retention)


def test_another_amount_another_time_or_another_kind_is_another_history() -> None:
    different = [
        packed(EVENT, (100, 5)),
        packed(EVENT, (100, 6)),
        packed(EVENT, (101, 5)),
        packed(MARK, (100, 5)),
        packed(EVENT, (100, 5), (100, 5)),
        b"",
    ]
    found = {canonical(raw, "terminal", Retention()) for raw in different}
    assert len(found) == len(different)


def decided(groups: int = 1) -> Worker:
    worker = Worker(view=FakeView(groups=groups))
    log = Log()
    log.produce(*(transaction(f"tx-{n}", customer_id=f"c-{n}", day=n) for n in range(7)))
    worker.handle(log.sweep())
    return worker


@pytest.mark.parametrize("at_once", [1, 3, 2000])
@pytest.mark.parametrize("groups", [1, 3])
def test_everything_the_view_holds_is_read_with_its_watermarks(
    at_once: int, groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputation, "ENTITIES_AT_ONCE", at_once)
    worker = decided(groups)
    seen = read_histories(worker.view, worker.ledger)
    names: dict[Entity, set[str]] = {"customer": {f"c-{n}" for n in range(7)}, "terminal": {"t-1"}}
    assert {entity: seen.names(entity) for entity in names} == names
    expected = worker.histories()
    place = Partition("transactions-id", 0)
    for entity, wanted in names.items():
        for name in wanted:
            raw, watermarks = seen.history(entity, name)
            assert canonical(raw, entity, Retention()) == canonical(
                expected[entity, name], entity, Retention()
            )
            assert watermarks == {place: 7}


def test_one_that_was_not_there_has_the_watermarks_from_before_the_first_was_read() -> None:
    """Whoever came while the others were read is not blamed for it."""
    worker = decided()
    seen = read_histories(Growing(worker), worker.ledger)
    assert seen.history("customer", "new") == (b"", {Partition("transactions-id", 0): 7})
    raw, watermarks = seen.history("customer", "c-6")
    assert (len(raw), watermarks) == (12, {Partition("transactions-id", 0): 8})


def test_a_group_that_is_ahead_of_another_does_not_hide_it() -> None:
    worker = decided(groups=3)
    for group, at in zip(worker.view.state, (7, 4, 6), strict=True):
        group.watermarks = {place: at for place in group.watermarks}
    assert set(read_histories(worker.view, worker.ledger).before.values()) == {4}


def test_a_view_begun_anew_meanwhile_is_not_judged() -> None:
    worker = decided()

    def begin_anew() -> None:
        worker.view.state = [Group(view="ledger-1:other")]

    with pytest.raises(ViewMoved, match="run it again"):
        read_histories(Interrupted(worker.view, begin_anew), worker.ledger)


def test_an_empty_view_holds_nothing() -> None:
    worker = Worker()
    seen = read_histories(worker.view, worker.ledger)
    assert (seen.found, seen.before) == ({}, {})


class Interrupted(FakeView):
    """A view to which something happens while its entities are listed."""

    def __init__(self, inner: FakeView, happens: Callable[[], None]) -> None:
        super().__init__(inner.groups, inner.connections, inner.state)
        self._inner = inner
        self._happens = happens

    def names(self, views: Any) -> Any:
        found = list(self._inner.names(views))
        self._happens()
        self.state = self._inner.state
        return iter(found)


class Growing(Interrupted):
    """A view in which one more transaction is applied meanwhile."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.view, lambda: worker.decide(transaction("new", customer_id="new", day=8)))


def test_a_partition_that_is_settled_for_the_first_time_meanwhile_is_read_with_the_rest() -> None:
    """Else its records would be in the histories, and not below any watermark that was read."""
    worker = Worker()
    worker.decide(transaction("a"))
    ledger = worker.ledger
    settled = ledger.all_progress
    events = [lambda: worker.label(label("a"))]

    def all_progress() -> dict[Partition, int]:
        before: dict[Partition, int] = settled()
        if events:
            ledger.all_progress = settled
            events.pop()()
            ledger.all_progress = all_progress
        return before

    ledger.all_progress = all_progress
    _, watermarks = read_histories(worker.view, ledger).history("terminal", "t-1")
    assert {partition.topic_id for partition in watermarks} == set(TOPIC_IDS.values())
