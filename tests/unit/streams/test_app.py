"""The worker's parts: what holds before anything connects, and while the worker waits to begin."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity
from mode.supervisors import CrashingSupervisor
from structlog.testing import capture_logs

from models.errors import ModelRejected, RegistryUnavailable
from models.scorer import Scorer
from streams import parts as worker_parts
from streams.app import build_app
from streams.parts import Parts
from streams.settings import Settings
from tests.unit.streams.virtual_time import Clock, Stop

GIVE_UP_S = 300.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_construct(home=tmp_path, prometheus_enabled=False, give_up_s=GIVE_UP_S)


def without_models() -> Scorer:
    raise RegistryUnavailable("no version of M is champion", next_step="fraudml demo, or fraudml train")


class Waiting:
    """A worker's parts in virtual time, before their first model."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch, look: Any) -> None:
        self.clock = Clock()
        self.parts = Parts(settings)
        monkeypatch.setattr(self.parts.watcher, "look", look)
        self.stop = Stop(self.clock)
        self.parts.stop = self.stop  # type: ignore[assignment]
        monkeypatch.setattr(worker_parts, "serve", lambda *address: SimpleNamespace(server_port=0))
        monkeypatch.setattr(tenacity, "time", SimpleNamespace(monotonic=self.clock))


def test_nothing_connects_before_the_worker_starts(settings: Settings) -> None:
    """Sockets are closed in this test: a client that connected would fail it."""
    built = build_app(settings)
    assert set(built.agents) == {"decide_transactions", "decide_labels"}
    assert built.conf.agent_supervisor is CrashingSupervisor
    assert built.conf.stream_wait_empty is True
    assert built.conf.topic_allow_declare is False


def test_sweeps_of_one_topic_are_handled_one_after_the_other(settings: Settings) -> None:
    built = build_app(settings)
    assert {agent.concurrency for agent in built.agents.values()} == {1}


def test_a_worker_without_models_waits_for_them_and_says_what_to_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = Waiting(settings, monkeypatch, without_models)
    with capture_logs() as logs, pytest.raises(RegistryUnavailable):
        waiting.parts.open()
    assert GIVE_UP_S <= waiting.clock.now_s <= GIVE_UP_S + 5
    assert {entry["event"] for entry in logs} == {"health", "waiting"}
    assert "Next: fraudml demo" in logs[-1]["why"]


def test_a_worker_told_to_stop_while_it_waits_for_models_waits_no_longer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = Waiting(settings, monkeypatch, without_models)
    waiting.clock.after(12.0, waiting.stop.set)
    with pytest.raises(RegistryUnavailable):
        waiting.parts.open()
    assert waiting.clock.now_s == 12.0


def test_a_model_that_is_rejected_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject() -> Scorer:
        raise ModelRejected("its SHA-256 differs")

    waiting = Waiting(settings, monkeypatch, reject)
    with pytest.raises(ModelRejected):
        waiting.parts.open()
    assert waiting.clock.now_s == 0.0


def test_a_worker_that_has_read_nothing_yet_is_drained_at_once(settings: Settings) -> None:
    assert Parts(settings).poller.drain().is_set()
