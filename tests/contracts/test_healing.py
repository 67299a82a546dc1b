"""Healing: whatever a view has lost, the ledger brings it back equal."""

import pytest

from load.doubles import FakeOutbox
from models.errors import ProgressMoved, ViewAheadOfLedger
from models.features import Entity
from streams.ports import View
from streams.topics import Partition
from tests.builders import Log, Worker, label, transaction
from tests.contracts.changes import change, contents
from tests.contracts.ledger_worlds import LedgerWorld
from tests.contracts.offers import decide
from tests.contracts.view_worlds import ViewWorld

PARTITION = Partition("transactions-id", 0)


@pytest.fixture(params=[1, 3], ids=["one group", "three groups"])
def groups(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def worker(ledgers: LedgerWorld, views: ViewWorld, groups: int) -> Worker:
    """A worker whose pieces of healing are a few rows long."""
    return Worker(ledgers.ledger, views.view(groups), FakeOutbox(), chunk_rows=3)


@pytest.fixture
def busy(worker: Worker) -> Worker:
    """A worker that has decided, marked, set aside, and taken twice, in several partitions."""
    worker.decide(*(transaction(f"tx-{n}", day=n, customer_id=f"c-{n % 3}") for n in range(10)))
    worker.decide(b"{oops", transaction("tx-1", day=1, customer_id="c-1"), transaction("late", day=-60))
    log = Log()
    log.produce(*(transaction(f"other-{n}", day=n, terminal_id="t-2") for n in range(4)), partition=5)
    worker.handle(log.sweep())
    worker.label(label("tx-1"), label("other-2"), label("late"), label("nobody knows"))
    worker.label(label("tx-1", version=2, label="genuine"))
    return worker


def view_of(worker: Worker) -> dict[tuple[Entity, str], list[bytes]]:
    """All that the worker's view holds, under whatever name it goes."""
    names = {number: state.view for number, state in enumerate(worker.view.read({}, [], {}).groups)}
    return contents(worker.view, {number: name or "" for number, name in names.items()})


def watermarks(view: View, *partitions: Partition) -> list[dict[Partition, int]]:
    names = {number: state.view or "" for number, state in enumerate(view.read({}, [], {}).groups)}
    return [dict(state.watermarks) for state in view.read(names, partitions, {}).groups]


def test_a_wiped_view_is_brought_back_equal(views: ViewWorld, busy: Worker) -> None:
    before = view_of(busy)
    views.lose_everything()
    busy.keeper.heal()
    assert view_of(busy) == before
    assert {kind for kind, _ in before} == {"customer", "terminal"}


def test_every_watermark_of_every_group_is_at_the_progress_afterwards(
    views: ViewWorld, busy: Worker, groups: int
) -> None:
    views.lose_everything()
    busy.keeper.heal()
    progress = busy.ledger.all_progress()
    assert len(progress) == 3
    assert watermarks(busy.view, *progress) == [progress] * groups


def test_what_is_whole_is_left_as_it_is(busy: Worker) -> None:
    before = view_of(busy)
    busy.restarted().keeper.heal()
    assert view_of(busy) == before


def test_only_what_is_missing_is_added(busy: Worker) -> None:
    """Decided, and then the worker died before it could apply."""
    before = view_of(busy)
    decide(busy.ledger, transaction("unseen", customer_id="c-new", day=5))
    busy.restarted().keeper.heal()
    after = view_of(busy)
    assert after.keys() - before.keys() == {("customer", "c-new")}
    assert {name: len(after[name]) - len(before[name]) for name in before if after[name] != before[name]} == {
        ("terminal", "t-1"): 1
    }


def test_a_rebuild_and_the_sweeps_themselves_make_the_same_view(
    ledgers: LedgerWorld, views: ViewWorld, busy: Worker
) -> None:
    before = view_of(busy)
    views.lose_everything()
    busy.decide(transaction("next", day=11))
    after = view_of(busy)
    assert {name: len(after[name]) - len(before[name]) for name in before if after[name] != before[name]} == {
        ("customer", "c-1"): 1,
        ("terminal", "t-1"): 1,
    }


def test_workers_that_heal_at_once_count_nothing_twice(
    ledgers: LedgerWorld, views: ViewWorld, busy: Worker, groups: int
) -> None:
    before = view_of(busy)
    views.lose_everything()
    rivals = [busy.restarted(ledger=ledgers.another(), view=views.view(groups)) for _ in range(2)]
    views.at_once(*(rival.keeper.heal for rival in rivals))
    assert view_of(busy) == before


def test_a_topic_made_again_is_healed_beside_the_old_one(views: ViewWorld, busy: Worker) -> None:
    log = Log(topic_id="made-again")
    log.produce(transaction("again", customer_id="c-again"))
    busy.handle(log.sweep())
    before = view_of(busy)
    views.lose_everything()
    busy.keeper.heal()
    assert view_of(busy) == before
    assert ("customer", "c-again") in before


def test_a_connection_made_anew_is_healed_before_it_is_used(
    ledgers: LedgerWorld, views: ViewWorld, busy: Worker
) -> None:
    """The own watermark looks right; what another worker had applied is not there."""
    decide(ledgers.another(), transaction("unseen", customer_id="c-new"), partition=7)
    views.break_connections(busy.view)
    busy.decide(transaction("next", day=11))
    assert ("customer", "c-new") in view_of(busy)


def test_a_worker_that_was_overtaken_gets_no_histories(busy: Worker) -> None:
    progress = busy.ledger.progress(PARTITION.topic_id, [0])[0]
    with pytest.raises(ProgressMoved):
        busy.keeper.read(PARTITION.topic_id, {0: progress - 1}, {})


def test_a_view_ahead_of_its_ledger_stops_the_worker(busy: Worker, groups: int) -> None:
    progress = busy.ledger.progress(PARTITION.topic_id, [0])[0]
    names = {number: state.view for number, state in enumerate(busy.view.read({}, [], {}).groups)}
    busy.view.apply(change({PARTITION: (progress, progress + 1)}, views=names))
    with pytest.raises(ViewAheadOfLedger):
        busy.keeper.read(PARTITION.topic_id, {0: progress}, {})
