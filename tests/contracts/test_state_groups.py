"""State groups: each atomic by itself, each with every watermark, together one view."""

import pytest

from streams.ports import Applied, Change
from tests.contracts.changes import (
    P0,
    VIEW,
    Rewrites,
    additions,
    begun,
    change,
    contents,
    everywhere,
    history,
    marks,
    of,
)
from tests.contracts.view_worlds import ViewWorld

GROUPS = 4
CUSTOMERS = {f"c-{number}": [number] for number in range(20)}


def test_groups_hold_all_histories_between_them(views: ViewWorld) -> None:
    view = begun(views.view(GROUPS))
    answers = view.apply(change({P0: (0, 20)}, views=everywhere(view), customer=CUSTOMERS))
    assert answers == dict.fromkeys(range(GROUPS), Applied.NOW)
    assert of(view, "customer", *CUSTOMERS) == [history(number) for number in range(20)]
    assert len(contents(view, everywhere(view))) == 20
    assert all(0 < len(contents(view, {group: VIEW})) < 20 for group in range(GROUPS))


def test_every_group_has_every_watermark(views: ViewWorld) -> None:
    view = begun(views.view(GROUPS))
    view.apply(change({P0: (0, 20)}, views=everywhere(view), customer={"c-1": [1]}))
    assert marks(view, P0) == [[20]] * GROUPS


def test_only_the_groups_that_a_change_names_are_changed(views: ViewWorld) -> None:
    view = begun(views.view(GROUPS))
    assert view.apply(change({P0: (0, 20)}, views={2: VIEW}, customer=CUSTOMERS)) == {2: Applied.NOW}
    assert marks(view, P0) == [[0], [0], [20], [0]]
    found = contents(view, everywhere(view))
    assert found == contents(view, {2: VIEW})
    assert 0 < len(found) < 20


def test_a_group_that_refuses_does_not_keep_the_others(views: ViewWorld) -> None:
    view = begun(views.view(GROUPS))
    view.apply(change({P0: (0, 5)}, views={1: VIEW}))
    assert view.adopt(3, VIEW, "ledger-1:e2")
    answers = view.apply(change({P0: (0, 20)}, views=everywhere(view), customer=CUSTOMERS))
    assert answers == {0: Applied.NOW, 1: Applied.REFUSED, 2: Applied.NOW, 3: Applied.REFUSED}
    again = view.apply(change({P0: (5, 20)}, views=everywhere(view), customer=CUSTOMERS))
    assert again == {0: Applied.BEFORE, 1: Applied.NOW, 2: Applied.BEFORE, 3: Applied.REFUSED}
    assert marks(view, P0) == [[20], [20], [20], [0]]


def test_a_group_begun_anew_leaves_the_others_as_they_are(views: ViewWorld) -> None:
    view = begun(views.view(GROUPS))
    view.apply(change({P0: (0, 20)}, views=everywhere(view), customer=CUSTOMERS))
    before = {group: contents(view, {group: VIEW}) for group in range(GROUPS)}
    view.adopt(1, VIEW, "ledger-1:e2")
    after = {group: contents(view, {group: VIEW}) for group in range(GROUPS)}
    assert after == before | {1: {}}
    assert [state.view for state in view.read({}, [], {}).groups] == [VIEW, "ledger-1:e2", VIEW, VIEW]


def test_a_history_is_replaced_in_its_own_group(views: ViewWorld) -> None:
    view = begun(views.view(GROUPS))
    view.apply(change({P0: (0, 20)}, views=everywhere(view), customer=CUSTOMERS))
    smaller: Rewrites = {"customer": {name: (history(*old), history(100)) for name, old in CUSTOMERS.items()}}
    view.apply(Change(everywhere(view), {P0: (20, 21)}, additions(customer={"c-1": [7]}), smaller))
    assert of(view, "customer", "c-0", "c-1", "c-2") == [history(100), history(100, 7), history(100)]


@pytest.mark.parametrize("groups", [1, 3])
def test_any_process_finds_an_entity_in_the_same_group(views: ViewWorld, groups: int) -> None:
    one, other = begun(views.view(groups)), views.view(groups)
    one.apply(change({P0: (0, 20)}, views=everywhere(one), customer=CUSTOMERS))
    assert of(other, "customer", *CUSTOMERS) == of(one, "customer", *CUSTOMERS)
    assert set(other.names(everywhere(other))) == {("customer", name) for name in CUSTOMERS}
