"""Every history is what the ledger gives, below its own watermarks, whatever goes on meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from load.doubles import FakeView, Group
from models.errors import ViewMoved
from streams.reconcile import histories
from streams.reconcile.ports import Piece, Snapshot, Wanted
from streams.reconcile.range import Range
from streams.reconcile.seen import SeenView
from streams.topics import Partition
from tests.builders import TOPIC_IDS, label, transaction
from tests.unit.streams.reconciled import Traffic, moment


def traffic(groups: int = 1) -> Traffic:
    """Customers c-0 to c-3 at the terminals t-1 and t-2; one fraud; one that came late."""
    world = Traffic(groups)
    world.send(*(transaction(f"tx-{n}", day=n, customer_id=f"c-{n % 4}") for n in range(12)))
    world.send(transaction("far", day=70, customer_id="c-3"), transaction("late", customer_id="c-3"))
    world.send(transaction("other", terminal_id="t-2", customer_id="c-2"), partition=1)
    world.label(label("far"), label("late"), label("other", label="genuine"))
    return world


def found(world: Traffic, within: Range = Range()) -> list[str]:
    return world.found("histories", within)


def history_of(world: Traffic, entity: str, name: str) -> tuple[Group, Any]:
    group = next(each for each in world.view.state if (each.view, entity, name) in each.histories)
    return group, (group.view, entity, name)


@pytest.mark.parametrize("damage", ["a record less", "a record twice", "another amount", "nothing left"])
@pytest.mark.parametrize("groups", [1, 3])
def test_a_history_that_differs_is_found(damage: str, groups: int) -> None:
    world = traffic(groups)
    group, key = history_of(world, "customer", "c-2")
    raw = group.histories[key]
    damaged = {
        "a record less": raw[12:],
        "a record twice": raw + raw[:12],
        "another amount": raw[:4] + bytes([raw[4] ^ 0x10]) + raw[5:],
        "nothing left": b"",
    }
    group.histories[key] = damaged[damage]
    assert found(world) == ["the history of customer c-2 is not what the ledger gives"]


def test_a_history_that_is_not_there_is_found() -> None:
    world = traffic()
    group, key = history_of(world, "terminal", "t-2")
    del group.histories[key]
    assert found(world) == ["the history of terminal t-2 is not what the ledger gives"]


def test_a_history_of_somebody_the_ledger_does_not_know_is_found() -> None:
    world = traffic()
    group, key = history_of(world, "customer", "c-2")
    group.histories[group.view or "", "customer", "ghost"] = group.histories[key]
    assert found(world) == ["the history of customer ghost is not what the ledger gives"]


def test_a_label_that_left_no_mark_is_found() -> None:
    world = traffic()
    del world.ledger.labels["far", 1]
    assert found(world) == ["the history of terminal t-1 is not what the ledger gives"]


@pytest.mark.parametrize("records", [1, 3, 1000])
@pytest.mark.parametrize("entities", [1, 2, 1000])
@pytest.mark.parametrize("piece", [1, 2, 1000])
def test_however_histories_are_portioned_all_are_compared(
    records: int, entities: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "RECORDS_AT_ONCE", records)
    monkeypatch.setattr(histories, "HISTORIES_AT_ONCE", entities)
    world = traffic()
    world.books.piece_records = piece
    assert world.reconcile()["checks"]["histories"] == {"checked": 6, "findings": 0, "first": []}
    for name in ("c-0", "c-3"):
        group, key = history_of(world, "customer", name)
        group.histories[key] = group.histories[key][:-12]
    assert len(found(world)) == 2


def test_only_histories_with_a_record_in_the_range_are_compared() -> None:
    world = traffic()
    within = Range(moment(0), moment(2))
    assert (
        world.reconcile(within)["checks"]["histories"]["checked"] == 3 + 2
    )  # of c-0 and c-1 at t-1, and c-2 at t-2
    for name in ("c-0", "c-3"):
        group, key = history_of(world, "customer", name)
        group.histories[key] = b""
    assert found(world, within) == ["the history of customer c-0 is not what the ledger gives"]


def piece(name: str, total: int) -> Piece:
    return Piece("customer", name, total, *(np.zeros(1, np.int64) for _ in range(5)))


def test_a_history_too_large_to_be_held_is_taken_alone_and_piece_by_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(histories, "RECORDS_AT_ONCE", 5)
    taken: list[str] = []

    def pieces() -> Iterator[Piece]:
        for name, total in (("a", 2), ("hot", 6), ("hot", 6), ("b", 2), ("c", 4), ("d", 1)):
            taken.append(name)
            yield piece(name, total)

    portions = iter(histories.portions(pieces()))
    keys, hot = next(portions)
    assert keys == [("customer", "hot")]
    assert taken == ["a", "hot"]
    assert len(list(hot)) == 2
    rest = [[name for _, name in keys] for keys, _ in portions]
    assert rest == [["a", "b", "c"], ["d"]]


def test_what_is_recorded_above_the_progress_is_added_once() -> None:
    world = traffic()
    world.ledger.next_offsets[Partition("transactions-id", 0)] = 5
    assert found(world) == []


# While traffic goes on.


def test_what_the_view_has_not_applied_yet_is_not_missed() -> None:
    """A worker was cut off between the ledger and Redis: the watermark tells."""
    world = traffic()
    group = world.view.state[0]
    before = dict(group.histories), dict(group.watermarks)
    world.send(transaction("tx-99", day=20))
    group.histories, group.watermarks = before
    assert world.reconcile()["findings"] == 0


def test_a_view_that_is_lost_and_not_healed_yet_is_not_missed() -> None:
    world = traffic(groups=3)
    world.view.state = [Group() for _ in range(3)]
    assert world.reconcile()["findings"] == 0


@pytest.mark.parametrize("groups", [1, 3])
def test_what_is_settled_and_applied_after_the_ledger_was_read_is_added(groups: int) -> None:
    world = traffic(groups)
    arrives(
        world, transaction("new", day=71, customer_id="c-1"), transaction("n", day=71, customer_id="c-new")
    )
    assert found(world) == []


def test_what_is_settled_after_the_ledger_was_read_and_left_no_record_is_found() -> None:
    world = traffic()

    def damage() -> None:
        group, key = history_of(world, "customer", "c-1")
        group.histories[key] = group.histories[key][:-12]

    arrives(world, transaction("new", day=71, customer_id="c-1"), then=damage)
    assert found(world) == ["the history of customer c-1 is not what the ledger gives"]


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_each_group_is_compared_below_its_own_watermarks(ahead: int) -> None:
    """One group has applied the last sweep, the others have not."""
    world = traffic(groups=3)
    before = [(dict(group.histories), dict(group.watermarks)) for group in world.view.state]
    world.send(*(transaction(f"last-{n}", day=71, customer_id=f"c-{n}") for n in range(4)))
    for number, group in enumerate(world.view.state):
        if number != ahead:
            group.histories, group.watermarks = before[number]
    assert world.reconcile()["findings"] == 0


def test_a_partition_that_is_settled_for_the_first_time_meanwhile_is_read_with_the_rest() -> None:
    """Else its records would be in the histories, and not below any watermark that was read."""
    world = Traffic()
    world.send(transaction("a"))
    ask = world.ledger.all_progress
    asked: list[None] = []

    def all_progress() -> dict[Partition, int]:
        told = dict(ask())
        asked.append(None)
        if len(asked) == 3:
            world.label(label("a"))
        return told

    world.ledger.all_progress = all_progress  # type: ignore[method-assign]
    seen = SeenView(world.view, world.ledger)
    for _ in range(3):
        now = seen.read({"terminal": ["t-1"]})
    assert {partition.topic_id for partition in now.watermarks[0]} == set(TOPIC_IDS.values())


def test_a_view_begun_anew_meanwhile_is_not_judged() -> None:
    world = traffic()

    def begin_anew() -> None:
        world.view.state = [Group(view="ledger-1:other")]

    world.view = Interrupted(world.view, begin_anew)
    with pytest.raises(ViewMoved, match="run it again"):
        world.outcome()


def test_the_view_of_an_earlier_ledger_is_nobodys() -> None:
    """A ledger was restored, and no worker has begun a new view yet."""
    world = traffic()
    world.ledger.ledger_id = "ledger-2"
    assert found(world) == []


class Interrupted(FakeView):
    """A view to which something happens once its entities are listed."""

    def __init__(self, inner: FakeView, happens: Callable[[], None]) -> None:
        super().__init__(inner.groups, inner.connections, inner.state)
        self._happens = happens

    def names(self, views: Any) -> Any:
        yield from super().names(views)
        self._happens()


def arrives(world: Traffic, *documents: Any, then: Callable[[], None] = lambda: None) -> None:
    """Transactions are decided and applied once the ledger has been read for its histories."""
    snapshot = world.books.snapshot

    @contextmanager
    def and_then(wanted: Wanted) -> Iterator[Snapshot]:
        with snapshot(wanted) as taken:
            world.send(*documents)
            then()
            yield taken

    world.books.snapshot = and_then  # type: ignore[method-assign,assignment]
