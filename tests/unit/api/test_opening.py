"""A gateway opens: it answers when what it needs is there, and a model was looked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from api.opening import Opening
from models.errors import LedgerUnavailable, RegistryUnavailable, ViewUnavailable
from models.scorer import Scorer
from models.without_model import WithoutModel
from streams.ledger.rules import Rules
from streams.metrics import Metrics
from streams.watcher import Watcher
from tests.builders import scorer


@dataclass
class World:
    """What a gateway finds. fails: the errors of its next looks for a model, in their order."""

    fails: list[Exception] = field(default_factory=list)
    useful: Callable[[], object] = lambda: None
    seen: list[tuple[bool, bool, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        watcher = Watcher(self.look, Metrics(CollectorRegistry()), random=Random(1))
        rules = Rules(scorer().policy, scorer().router.config)
        self.opening = Opening(
            watcher, lambda: rules, needed=[self.see], useful=[self.useful], begin=[self.see]
        )

    def look(self) -> Scorer:
        self.see()
        if self.fails:
            raise self.fails.pop(0)
        return scorer()

    def see(self) -> None:
        """Whether it answers, is ready, and has a model."""
        self.seen.append((self.opening.answers, self.opening.is_ready, self.opening.model is not None))

    def run(self) -> None:
        self.opening.run()
        self.see()
        self.opening.stop()


def test_it_answers_once_a_model_was_looked_for_and_not_before() -> None:
    world = World()
    world.run()
    needed, looked, begun, ended = world.seen
    assert needed == looked == (False, False, False)
    assert begun == (False, False, True)
    assert ended == (True, True, True)


def test_without_a_model_it_answers_and_is_not_ready_until_there_is_one() -> None:
    world = World([RegistryUnavailable("MLflow does not answer")])
    decided_by: list[Scorer] = []
    look = world.look

    def look_again() -> Scorer:
        if world.opening.answers:
            decided_by.append(world.opening.decides)
        return look()

    world.opening._watcher._look = look_again
    world.run()
    assert world.seen[-2:] == [(True, False, False), (True, True, True)]
    assert [type(each) for each in decided_by] == [WithoutModel]


def test_what_is_only_useful_may_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.opening.USEFUL_S", 0.0)

    def away() -> object:
        raise ViewUnavailable("Redis does not answer")

    world = World(useful=away)
    world.run()
    assert world.seen[-1] == (True, True, True)


def test_one_that_is_told_to_stop_waits_for_nothing() -> None:
    world = World([LedgerUnavailable("Postgres failed")] * 1000)
    world.opening.stop()
    world.run()
    assert not world.opening.is_ready
