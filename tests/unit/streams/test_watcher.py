"""The watcher: what is new is put in force, and a failure changes nothing."""

from collections.abc import Callable
from random import Random
from typing import Any

from structlog.testing import capture_logs

from models.errors import LedgerUnavailable, RegistryUnavailable
from models.scorer import Scorer
from streams.watcher import Watcher
from tests.builders import scorer


def watcher(look: Callable[[], Scorer | None], swapped: list[Scorer]) -> Watcher:
    return Watcher(look, swapped.append, random=Random(1))


def test_what_is_new_is_put_in_force_once() -> None:
    answers: list[Any] = [scorer(), None, None]
    swapped: list[Scorer] = []
    watching = watcher(lambda: answers.pop(0), swapped)
    first = answers[0]
    for _ in range(3):
        watching.once()
    assert swapped == [first]


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

    swapped: list[Scorer] = []
    watching = watcher(look, swapped)
    with capture_logs() as logs:
        for _ in range(5):
            watching.once()
    assert swapped == []
    assert [entry["why"] for entry in logs] == ["Postgres failed", "MLflow failed", "Postgres failed"]


def test_it_looks_until_it_is_told_to_stop() -> None:
    looked: list[int] = []

    def look() -> None:
        looked.append(1)
        if len(looked) == 3:
            watching.stop()

    watching = Watcher(look, lambda scorer: None, random=Random(1), every_s=0.001)
    watching.start()
    watching._thread.join(10)
    assert len(looked) == 3
