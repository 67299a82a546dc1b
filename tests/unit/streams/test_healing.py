"""Rules 1 and 2: no history is used before the whole view has caught up, and whoever heals, heals once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from load.doubles import FakeView, Group
from models.errors import ViewMoved
from models.features import Entity
from streams.healing import CHUNK_ROWS, ViewKeeper
from streams.metrics import Metrics
from streams.ports import Change
from streams.topics import Partition
from streams.verdicts import marks_as_additions
from tests.builders import Log, Worker, label, transaction

BOTH = [Partition("transactions-id", 0), Partition("transactions-id", 1), Partition("labels-id", 0)]
NOTHING = marks_as_additions([])
WANTED: dict[Entity, list[str]] = {"customer": ["c-1"], "terminal": ["t-1"]}


def settled(view: FakeView | None = None) -> Worker:
    """A worker that has decided transactions of two partitions and taken labels."""
    worker = Worker(view=view)
    log = Log()
    log.produce(*(transaction(f"a-{n}", day=n) for n in range(4)), partition=0)
    log.produce(*(transaction(f"b-{n}", day=n, customer_id="c-2") for n in range(3)), partition=1)
    worker.handle(log.sweep())
    worker.label(label("a-0"), label("b-1"))
    return worker


def keeper(
    worker: Worker, view: Any = None, epoch: str = "other", chunk_rows: int = CHUNK_ROWS
) -> ViewKeeper:
    """Another process's, with nothing in memory."""
    metrics = Metrics(CollectorRegistry())
    return ViewKeeper(worker.ledger, view or worker.view, lambda: epoch, metrics, chunk_rows=chunk_rows)


def read(found: ViewKeeper) -> list[Any]:
    histories = found.read("transactions-id", {0: 4}, WANTED)
    assert histories is not None
    return [histories["customer"], histories["terminal"]]


def marks(view: FakeView) -> list[dict[Partition, int]]:
    """The watermarks of each group."""
    return [
        {partition: at for (name, partition), at in group.watermarks.items() if name == group.view}
        for group in view.state
    ]


WHOLE = dict(zip(BOTH, [4, 3, 2], strict=True))


@pytest.mark.parametrize("groups", [1, 3])
def test_a_lost_view_is_healed_in_all_partitions_topics_and_groups_before_it_is_read(groups: int) -> None:
    worker = settled(FakeView(groups=groups))
    before = worker.histories()
    worker.view.state = [Group() for _ in range(groups)]
    read(keeper(worker))
    assert marks(worker.view) == [WHOLE] * groups
    assert worker.histories() == before


def test_a_process_that_connects_heals_even_what_it_does_not_ask_for() -> None:
    """Redis lost another worker's last sweep: only our own partition looks right."""
    worker = settled()
    forget(worker, Partition("transactions-id", 1))
    before = settled().histories()
    read(keeper(worker))
    assert worker.histories() == before


def test_a_process_that_has_healed_does_not_heal_again_for_every_sweep() -> None:
    worker = settled()
    found = keeper(worker)
    read(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.ledger, "all_progress", lambda: pytest.fail("it was asked again"))
        read(found)


@pytest.mark.parametrize("step", range(1, 12))
def test_a_connection_made_while_healing_begins_the_healing_anew(step: int) -> None:
    """Whatever was healed before it may have been lost with the one before."""
    worker = settled()
    worker.view.state = [Group()]
    view = Disturbed(worker.view, step, lambda: lose_everything(worker.view))
    read(keeper(worker, view))
    assert worker.histories() == settled().histories()
    assert marks(worker.view) == [WHOLE]


@pytest.mark.parametrize("step", range(1, 12))
def test_two_processes_that_heal_at_once_apply_every_record_once(step: int) -> None:
    worker = settled()
    worker.view.state = [Group()]
    rival = keeper(worker)
    read(keeper(worker, Disturbed(worker.view, step, rival.heal)))
    assert worker.histories() == settled().histories()


def test_two_processes_that_find_no_view_agree_on_one() -> None:
    worker = settled()
    worker.view.state = [Group()]
    rival = keeper(worker, epoch="rival")
    first = keeper(worker, Disturbed(worker.view, 2, rival.heal), epoch="first")
    assert read(first) == read(rival)
    assert worker.view.state[0].view == "ledger-1:rival"


@given(st.integers(1, 8), st.integers(1, 3))
def test_healing_in_pieces_gives_the_same(rows_at_once: int, groups: int) -> None:
    whole, pieces = settled(), settled(FakeView(groups=groups))
    pieces.view.state = [Group() for _ in range(groups)]
    keeper(pieces, chunk_rows=rows_at_once).heal()
    assert pieces.histories() == whole.histories()
    assert marks(pieces.view) == [WHOLE] * groups


def test_the_ledgers_rows_are_read_once_for_all_groups_that_lack_them() -> None:
    worker = settled(FakeView(groups=3))
    worker.view.state = [Group() for _ in range(3)]
    with counted_reads(worker) as reads:
        keeper(worker).heal()
    assert sorted(reads) == sorted((partition, 0, reached) for partition, reached in WHOLE.items())


def test_a_group_that_lags_further_catches_up_with_the_others_first() -> None:
    worker = settled(FakeView(groups=3))
    before = worker.histories()
    lagging = [Group(view="ledger-1:one"), worker.view.state[1], Group(view="ledger-1:three")]
    worker.view.state = lagging
    keeper(worker, chunk_rows=1).heal()
    assert worker.histories() == before
    worker.view.state[0] = Group()
    keeper(worker).heal()
    assert worker.histories() == before
    assert marks(worker.view) == [WHOLE] * 3


@contextmanager
def counted_reads(worker: Worker) -> Iterator[list[tuple[Partition, int, int]]]:
    """Which rows the ledger was asked for: partition, start, stop."""
    additions, asked = worker.ledger.additions, []

    def count(partition: Partition, start: int, stop: int, limit: int) -> Any:
        asked.append((partition, start, stop))
        return additions(partition, start, stop, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.ledger, "additions", count)
        yield asked


def test_how_much_was_healed_is_counted() -> None:
    worker = settled()
    worker.view.state = [Group()]
    worker.keeper.heal()
    assert worker.metric("fraud_view_healed_offsets_total") == 4 + 3 + 2


def test_a_view_that_keeps_changing_is_given_up_not_used() -> None:
    worker = settled()
    names = count(1)

    def begin_anew() -> None:
        worker.view.state = [Group(view=f"ledger-1:rival{next(names)}")]

    with pytest.raises(ViewMoved):
        read(keeper(worker, Disturbed(worker.view, 1, begin_anew, every=1)))


def test_what_is_applied_to_a_view_that_has_moved_is_healed_from_the_ledger() -> None:
    """The sweep's own append was refused; the ledger has its rows."""
    worker = settled()
    before = worker.histories()
    worker.view.state = [Group(view="ledger-1:begun-anew")]
    worker.decide(transaction("a-4", day=4))
    expected = settled()
    expected.decide(transaction("a-4", day=4))
    assert worker.histories() == expected.histories() != before


def forget(worker: Worker, partition: Partition) -> None:
    """The view as it is without one partition: another worker's writes were lost."""
    view = worker.view.state[0].view
    without = keeper(worker)
    progress = dict(worker.ledger.next_offsets)
    worker.view.state = [Group(view=view)]
    del worker.ledger.next_offsets[partition]
    without.heal()
    worker.ledger.next_offsets = progress
    assert partition not in marks(worker.view)[0]


def lose_everything(view: FakeView) -> None:
    view.state = [Group()]
    view.reconnect()


class Disturbed:
    """A view to which something happens before the nth call, once or again and again."""

    def __init__(
        self, inner: FakeView, step: int, happens: Callable[[], None], every: int | None = None
    ) -> None:
        self._inner = inner
        self._left = step
        self._happens = happens
        self._every = every
        self.groups = inner.groups

    @property
    def connections(self) -> int:
        return self._inner.connections

    def read(self, *values: Any) -> Any:
        self._tick()
        return self._inner.read(*values)

    def apply(self, change: Change) -> Any:
        self._tick()
        return self._inner.apply(change)

    def adopt(self, *values: Any) -> bool:
        self._tick()
        return self._inner.adopt(*values)

    def _tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._left = self._every or 0
            self._happens()
