"""The watcher: what is new is put in force, and a failure changes nothing."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from models.errors import LedgerUnavailable, RegistryUnavailable
from models.scorer import Scorer
from streams.metrics import Metrics
from streams.watcher import Watcher
from tests.builders import scorer


def watcher(look: Callable[[], Scorer | None], every_s: float = 2.0) -> Watcher:
    return Watcher(look, Metrics(CollectorRegistry()), random=Random(1), every_s=every_s)


def test_what_is_new_is_in_force_until_something_else_is() -> None:
    first, second = scorer(), scorer()
    answers: list[Any] = [first, None, second, None]
    watching = watcher(lambda: answers.pop(0))
    in_force = []
    for _ in range(4):
        watching.look()
        in_force.append(watching.scorer)
    assert in_force == [first, first, second, second]


def test_the_first_look_fails_loudly() -> None:
    def look() -> None:
        raise RegistryUnavailable("MLflow failed")

    with pytest.raises(RegistryUnavailable):
        watcher(look).look()


def test_a_failure_changes_nothing_and_is_told_when_it_begins() -> None:
    outcomes: list[Any] = [
        LedgerUnavailable("Postgres failed"),
        LedgerUnavailable("Postgres failed"),
        RegistryUnavailable("MLflow failed"),
        None,
        LedgerUnavailable("Postgres failed"),
    ]

    def look() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    watching = watcher(look)
    watching.scorer = before = scorer()
    with capture_logs() as logs:
        for _ in range(5):
            watching.look_again()
    assert watching.scorer is before
    assert [entry["why"] for entry in logs] == ["Postgres failed", "MLflow failed", "Postgres failed"]


def test_it_looks_until_it_is_told_to_stop() -> None:
    looked: list[int] = []

    def look() -> None:
        looked.append(1)
        if len(looked) == 3:
            watching.stop()

    watching = watcher(look, every_s=0.001)
    watching.start()
    watching._thread.join(10)
    assert len(looked) == 3


def test_whatever_goes_wrong_with_one_look_the_next_is_made() -> None:
    """A full disk, say, which is nobody's named failure."""
    outcomes: list[Any] = [OSError("no space left"), None]

    def look() -> None:
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    metrics = Metrics(CollectorRegistry())
    watching = Watcher(look, metrics, random=Random(1))
    failing = []
    for _ in range(2):
        watching.look_again()
        failing.append(metrics.registry.get_sample_value("fraud_lookups_failing"))
    assert failing == [1, 0]
