"""A rebuild makes the same histories in a new view, whoever else is at work."""

import pytest

from load.doubles import FakeView
from models.features import Entity
from tests.builders import transaction
from tests.unit.streams.test_healing import WHOLE, Disturbed, keeper, marks, read, settled


@pytest.mark.parametrize("groups", [1, 3])
def test_a_rebuilt_view_has_another_key_and_the_same_histories(groups: int) -> None:
    worker = settled(FakeView(groups=groups))
    before, keys = worker.histories(), [group.view for group in worker.view.state]
    keeper(worker).rebuild()
    assert all(group.view != key for group, key in zip(worker.view.state, keys, strict=True))
    assert marks(worker.view) == [WHOLE] * groups
    assert worker.histories() == before


def test_a_rebuild_mends_a_history_that_was_tampered_with() -> None:
    worker = settled()
    (group,) = worker.view.state
    assert group.view is not None
    key: tuple[str, Entity, str] = (group.view, "customer", "c-1")
    group.histories[key] += group.histories[key][-12:]
    keeper(worker).rebuild()
    assert worker.histories() == settled().histories()


def test_a_worker_goes_on_with_a_view_that_was_rebuilt_under_it() -> None:
    worker, undisturbed = settled(), settled()
    keeper(worker).rebuild()
    for each in (worker, undisturbed):
        each.decide(transaction("later", day=9))
    assert worker.histories() == undisturbed.histories()


@pytest.mark.parametrize("step", range(1, 12))
def test_two_rebuilds_at_once_apply_every_record_once(step: int) -> None:
    worker = settled()
    rival = keeper(worker, epoch="rival")
    keeper(worker, Disturbed(worker.view, step, rival.rebuild)).rebuild()
    read(rival)
    assert worker.histories() == settled().histories()
