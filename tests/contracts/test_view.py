"""The view: whole or not at all, moved only from where it was read, and rebuilt rather than trusted."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from models.errors import ViewUnavailable
from streams.ports import Applied, View
from streams.topics import Partition
from tests.contracts.changes import (
    P0,
    P1,
    VIEW,
    Rewrites,
    begun,
    change,
    history,
    marks,
    of,
)
from tests.contracts.view_worlds import ViewWorld

OTHER = "ledger-1:e2"


def test_where_nothing_was_begun_there_is_no_view(view: View) -> None:
    read = view.read({}, [P0], {"customer": ["c-1"], "terminal": []})
    assert [(state.view, state.watermarks) for state in read.groups] == [(None, {P0: 0})]
    assert read.histories == {"customer": [None], "terminal": []}


def test_a_view_is_begun_once(view: View) -> None:
    assert view.adopt(0, None, VIEW)
    assert not view.adopt(0, None, OTHER)
    assert not view.adopt(0, OTHER, "ledger-1:e3")
    assert view.read({}, [], {}).groups[0].view == VIEW


def test_of_two_workers_that_begin_a_view_one_does(views: ViewWorld) -> None:
    begins = [partial(views.view().adopt, 0, None, f"ledger-1:e{number}") for number in range(4)]
    assert sorted(views.at_once(*begins)) == [False, False, False, True]


def test_key_watermarks_and_histories_are_read_together_in_the_order_asked_for(view: View) -> None:
    begun(view).apply(change({P0: (0, 3)}, customer={"c-1": [1], "c-2": [2]}, terminal={"t-1": [0, 0]}))
    read = view.read({0: VIEW}, [P1, P0], {"terminal": ["t-1", "t-9"], "customer": ["c-2", "c-1", "c-2"]})
    assert [(state.view, state.watermarks) for state in read.groups] == [(VIEW, {P0: 3, P1: 0})]
    assert read.histories == {
        "terminal": [history(0, 0), None],
        "customer": [history(2), history(1), history(2)],
    }


def test_records_are_appended_in_the_order_of_the_sweep(view: View) -> None:
    begun(view).apply(change({P0: (0, 3)}, customer={"c-1": [3, 1, 2]}))
    view.apply(change({P0: (3, 4)}, customer={"c-1": [0]}))
    assert of(view, "customer", "c-1") == [history(3, 1, 2, 0)]


def test_a_customer_and_a_terminal_of_one_name_have_histories_of_their_own(view: View) -> None:
    begun(view).apply(change({P0: (0, 1)}, customer={"same": [1]}, terminal={"same": [2]}))
    assert of(view, "customer", "same") + of(view, "terminal", "same") == [history(1), history(2)]


def test_watermarks_belong_to_one_incarnation_of_a_topic(view: View) -> None:
    remade = Partition("made-again", 0)
    begun(view).apply(change({P0: (0, 5)}))
    assert view.apply(change({remade: (0, 2)})) == {0: Applied.NOW}
    assert marks(view, P0, remade) == [[5, 2]]


def test_what_was_applied_before_is_applied_no_more(view: View) -> None:
    once = change({P0: (0, 2)}, customer={"c-1": [1]})
    assert begun(view).apply(once) == {0: Applied.NOW}
    assert view.apply(once) == {0: Applied.BEFORE}
    assert view.apply(change({P0: (0, 1)}, customer={"c-1": [1]})) == {0: Applied.BEFORE}
    assert (of(view, "customer", "c-1"), marks(view, P0)) == ([history(1)], [[2]])


@pytest.mark.parametrize("as_read", [0, 1, 3])
def test_a_change_from_another_watermark_is_refused(view: View, as_read: int) -> None:
    begun(view).apply(change({P0: (0, 2)}, customer={"c-1": [1]}))
    assert view.apply(change({P0: (as_read, 4)}, customer={"c-1": [9]})) == {0: Applied.REFUSED}
    assert (of(view, "customer", "c-1"), marks(view, P0)) == ([history(1)], [[2]])


@pytest.mark.parametrize("moved", [P0, P1])
@pytest.mark.parametrize("as_read", [0, 1])
def test_one_partition_that_has_moved_refuses_the_whole_change(
    view: View, moved: Partition, as_read: int
) -> None:
    """Whether it has come as far as the change would go, or only part of the way."""
    begun(view).apply(change({moved: (0, 2)}))
    both = {P0: (0, 5), P1: (0, 5)} | {moved: (as_read, 2 + as_read)}
    assert view.apply(change(both, customer={"c-1": [9]})) == {0: Applied.REFUSED}
    (watermarks,) = marks(view, P0, P1)
    assert (of(view, "customer", "c-1"), sorted(watermarks)) == ([None], [0, 2])


def test_a_change_that_moves_nothing_writes_nothing(view: View) -> None:
    begun(view).apply(change({P0: (0, 2)}))
    assert view.apply(change({P0: (2, 2)}, customer={"c-1": [9]})) == {0: Applied.BEFORE}
    assert view.apply(change({P0: (2, 2), P1: (0, 1)}, customer={"c-1": [1]})) == {0: Applied.NOW}
    assert (of(view, "customer", "c-1"), marks(view, P0, P1)) == ([history(1)], [[2, 1]])


def test_a_change_to_another_view_is_refused(view: View) -> None:
    begun(view)
    for name in (OTHER, "ledger-2:e1"):
        answer = view.apply(change({P0: (0, 1)}, views={0: name}, customer={"c-1": [9]}))
        assert answer == {0: Applied.REFUSED}
    assert (of(view, "customer", "c-1"), marks(view, P0)) == ([None], [[0]])


def test_a_change_without_any_view_is_refused(view: View) -> None:
    assert view.apply(change({P0: (0, 1)}, customer={"c-1": [9]})) == {0: Applied.REFUSED}
    assert list(view.names({0: VIEW})) == []


def test_a_view_begun_anew_shows_nothing_of_the_one_before(view: View) -> None:
    begun(view).apply(change({P0: (0, 2)}, customer={"c-1": [1]}))
    begun(view, OTHER)
    assert (of(view, "customer", "c-1", within=OTHER), marks(view, P0, within=OTHER)) == ([None], [[0]])
    assert list(view.names({0: OTHER})) == []
    assert view.apply(change({P0: (2, 3)}, customer={"c-1": [9]})) == {0: Applied.REFUSED}


def test_a_view_that_was_left_keeps_no_memory(view: View) -> None:
    begun(view).apply(change({P0: (0, 2)}, customer={"c-1": [1]}, terminal={"t-1": [0]}))
    begun(view, OTHER)
    assert list(view.names({0: VIEW})) == []
    assert of(view, "customer", "c-1") == [None]


def test_whoever_reads_an_old_view_sees_which_one_is_there_now(view: View) -> None:
    begun(begun(view), OTHER)
    assert view.read({0: VIEW}, [P0], {}).groups[0].view == OTHER


def test_a_redis_that_lost_everything_reads_as_no_view(views: ViewWorld, view: View) -> None:
    begun(view).apply(change({P0: (0, 2)}, customer={"c-1": [1]}))
    views.lose_everything()
    read = view.read({0: VIEW}, [P0], {"customer": ["c-1"]})
    assert (read.groups[0].view, read.groups[0].watermarks) == (None, {P0: 0})
    assert read.histories == {"customer": [None]}
    assert view.apply(change({P0: (0, 1)}, customer={"c-1": [9]})) == {0: Applied.REFUSED}
    assert begun(view).apply(change({P0: (0, 1)}, customer={"c-1": [9]})) == {0: Applied.NOW}


def test_an_overgrown_history_is_replaced_and_the_sweep_comes_on_top(view: View) -> None:
    begun(view).apply(change({P0: (0, 3)}, customer={"c-1": [1, 2, 3]}))
    smaller: Rewrites = {"customer": {"c-1": (history(1, 2, 3), history(6))}}
    assert view.apply(change({P0: (3, 4)}, rewrites=smaller, customer={"c-1": [4]})) == {0: Applied.NOW}
    assert of(view, "customer", "c-1") == [history(6, 4)]


def test_a_history_that_has_changed_since_is_only_appended_to(view: View) -> None:
    begun(view).apply(change({P0: (0, 3)}, customer={"c-1": [1, 2, 3]}))
    view.apply(change({P1: (0, 1)}, customer={"c-1": [7]}))
    smaller: Rewrites = {"customer": {"c-1": (history(1, 2, 3), history(6)), "c-2": (history(5), history(4))}}
    assert view.apply(change({P0: (3, 4)}, rewrites=smaller, customer={"c-1": [4]})) == {0: Applied.NOW}
    assert of(view, "customer", "c-1", "c-2") == [history(1, 2, 3, 7, 4), None]


def test_a_change_that_is_not_made_replaces_nothing(view: View) -> None:
    begun(view).apply(change({P0: (0, 3)}, terminal={"t-1": [1, 2, 3]}))
    smaller: Rewrites = {"terminal": {"t-1": (history(1, 2, 3), history(6))}}
    assert view.apply(change({P0: (0, 3)}, rewrites=smaller)) == {0: Applied.BEFORE}
    assert view.apply(change({P0: (1, 4)}, rewrites=smaller)) == {0: Applied.REFUSED}
    assert of(view, "terminal", "t-1") == [history(1, 2, 3)]


def test_any_printable_name_has_a_history_and_is_listed(view: View) -> None:
    names = ["*", "c[1]?", "a:b", "{tag}", "w:transactions-id:0", "view", " ", "ünï", "a\\b", "💳"]
    begun(view).apply(change({P0: (0, 1)}, customer={name: [1] for name in names}, terminal={"*": [0]}))
    assert of(view, "customer", *names) == [history(1)] * len(names)
    assert sorted(set(view.names({0: VIEW}))) == sorted(
        [*(("customer", name) for name in names), ("terminal", "*")]
    )
    assert marks(view, P0) == [[1]]


def test_a_connection_made_anew_is_counted(views: ViewWorld, view: View) -> None:
    view.read({}, [], {})
    before = view.connections
    view.read({}, [], {})
    assert view.connections == before
    views.break_connections(view)
    assert view.connections > before


def test_what_two_workers_apply_at_once_is_applied_once(views: ViewWorld, view: View) -> None:
    begun(view)
    for first in range(20):
        sweep = change({P0: (first, first + 1)}, customer={"c-1": [first]})
        answers = views.at_once(partial(views.view().apply, sweep), partial(views.view().apply, sweep))
        assert {answer[0] for answer in answers} == {Applied.NOW, Applied.BEFORE}
    assert of(view, "customer", "c-1") == [history(*range(20))]


def test_a_read_never_sees_half_a_change(views: ViewWorld, view: View) -> None:
    begun(view)
    writer, reader = views.view(), views.view()

    def write() -> None:
        for first in range(200):
            writer.apply(
                change({P0: (first, first + 1)}, customer={"c-1": [first]}, terminal={"t-1": [first]})
            )

    def read() -> list[tuple[int, ...]]:
        return [sizes(reader) for _ in range(200)]

    _, seen = views.at_once(write, read)
    assert {len(set(sizes)) for sizes in seen} == {1}
    assert sizes(view) == (200, 200, 200)


def sizes(view: View) -> tuple[int, ...]:
    """Watermark, and the numbers of records in two histories, from one read."""
    found = view.read({0: VIEW}, [P0], {"customer": ["c-1"], "terminal": ["t-1"]})
    histories = [*found.histories["customer"], *found.histories["terminal"]]
    return (found.groups[0].watermarks[P0], *(len(raw or b"") // len(history(0)) for raw in histories))


CALLS: dict[str, Callable[[View], Any]] = {
    "read": lambda view: view.read({}, [], {}),
    "apply": lambda view: view.apply(change({P0: (0, 1)})),
    "names": lambda view: list(view.names({0: VIEW})),
    "adopt": lambda view: view.adopt(0, None, VIEW),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_view_out_of_reach_says_so_whatever_it_is_asked(views: ViewWorld, call: str) -> None:
    with pytest.raises(ViewUnavailable):
        CALLS[call](views.out_of_reach())
