"""A worker says whether it lives and whether it is ready."""

from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Gauge

from streams.health import Wsgi, health_app
from streams.watchdog import Watchdog
from tests.unit.streams.virtual_time import Clock

STUCK_S = 30.0


def asked(app: Wsgi, path: str) -> tuple[str, bytes]:
    said: list[str] = []

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        said.append(status)

    request: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
    body = b"".join(app(request, start))
    return said[0], body


def health(stuck_s: float = 0.0, ready: bool = True, registry: CollectorRegistry | None = None) -> Wsgi:
    return health_app(registry, lambda: stuck_s, lambda: ready)


def test_a_worker_that_is_well_lives() -> None:
    assert asked(health(), "/healthz") == ("200 OK", b'{"status":"ok"}\n')


def test_a_stuck_worker_does_not_and_says_since_when() -> None:
    status, body = asked(health(stuck_s=17.25), "/healthz")
    assert status.startswith("503")
    assert msgspec.json.decode(body) == {"status": "stuck", "for_s": 17.2}


@pytest.mark.parametrize(("ready", "status"), [(True, "200"), (False, "503")])
def test_a_worker_is_ready_once_it_says_so(ready: bool, status: str) -> None:
    assert asked(health(ready=ready), "/readyz")[0].startswith(status)


def test_metrics_are_there_only_where_they_are_wanted() -> None:
    registry = CollectorRegistry()
    Gauge("fraud_sign_of_life", "1", registry=registry).set(1)
    assert b"fraud_sign_of_life 1.0" in asked(health(registry=registry), "/metrics")[1]
    assert asked(health(), "/metrics")[0].startswith("404")


def test_there_are_no_other_pages() -> None:
    assert asked(health(registry=CollectorRegistry()), "/")[0].startswith("404")


class Watched:
    """A watchdog whose clock is ours; its own thread is not started."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.dog = Watchdog(STUCK_S, lambda: None, self.clock)
        self.dog._started = True

    def after(self, seconds: float) -> float:
        self.clock.now_s += seconds
        return self.dog.stuck_for_s()


def test_records_that_wait_for_half_the_time_make_a_worker_stuck() -> None:
    watched = Watched()
    watched.dog.heard(lag=5)
    assert watched.after(STUCK_S / 2) == 0.0
    watched.dog.heard(lag=5)
    assert watched.after(1.0) == STUCK_S / 2 + 1.0


def test_an_idle_worker_is_well_for_ever() -> None:
    watched = Watched()
    for _ in range(10):
        watched.dog.heard(lag=0)
        assert watched.after(STUCK_S / 3) == 0.0


def test_a_poller_that_has_fallen_silent_makes_a_worker_stuck() -> None:
    watched = Watched()
    watched.dog.heard(lag=0)
    watched.dog.alive()
    assert watched.after(STUCK_S * 0.6) == STUCK_S * 0.6


def test_a_failed_attempt_is_a_sign_of_life() -> None:
    watched = Watched()
    watched.dog.heard(lag=5)
    watched.after(STUCK_S / 2)
    watched.dog.alive()
    watched.dog.heard(lag=5)
    assert watched.after(1.0) == 0.0


def test_a_worker_that_has_not_begun_is_not_stuck() -> None:
    watched = Watched()
    watched.dog._started = False
    assert watched.after(10 * STUCK_S) == 0.0
