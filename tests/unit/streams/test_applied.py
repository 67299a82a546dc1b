"""How far the view has applied each partition."""

import pytest

from load.doubles import FakeView, Group
from models.errors import NotFound
from streams.applied import AppliedOffsets
from tests.builders import TOPIC_IDS, Log, Worker, label, transaction


def decided(view: FakeView) -> Worker:
    worker = Worker(view=view)
    log = Log()
    log.produce(transaction("a"), transaction("b"), partition=0)
    log.produce(transaction("c"), partition=1)
    worker.handle(log.sweep())
    worker.label(label("a"))
    return worker


@pytest.mark.parametrize("groups", [1, 4])
def test_each_partition_of_both_topics_tells_its_next_offset(groups: int) -> None:
    view = FakeView(groups=groups)
    decided(view)
    assert AppliedOffsets(view, TOPIC_IDS, 2).now() == {
        ("transactions", 0): 2,
        ("transactions", 1): 1,
        ("labels", 0): 1,
        ("labels", 1): 0,
    }


def test_a_partition_is_applied_when_every_group_has_applied_it() -> None:
    view = FakeView(groups=3)
    decided(view)
    behind = view.state[1]
    behind.watermarks = {place: 1 for place in behind.watermarks}
    assert AppliedOffsets(view, TOPIC_IDS, 1).now() == {("transactions", 0): 1, ("labels", 0): 1}


def test_nothing_is_applied_while_there_is_no_view() -> None:
    assert AppliedOffsets(FakeView(), TOPIC_IDS, 1).now() == {("transactions", 0): 0, ("labels", 0): 0}


def test_a_view_of_which_a_group_is_missing_is_no_view() -> None:
    view = FakeView(groups=2)
    decided(view)
    view.state[1] = Group()
    assert set(AppliedOffsets(view, TOPIC_IDS, 1).now().values()) == {0}
    with pytest.raises(NotFound, match="no view yet"):
        AppliedOffsets(view, TOPIC_IDS, 1).views()


def test_a_topic_made_again_has_applied_nothing() -> None:
    view = FakeView()
    decided(view)
    remade = AppliedOffsets(view, {"transactions": "remade-id"}, 1)
    assert remade.now() == {("transactions", 0): 0}


def test_the_views_are_told_by_group() -> None:
    view = FakeView(groups=2)
    decided(view)
    assert AppliedOffsets(view, TOPIC_IDS, 1).views() == {n: view.state[n].view for n in range(2)}
