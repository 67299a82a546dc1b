"""What a page is asked with in tests: a fake gateway, and somebody who asks it."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec

from api.shared_answers import SharedAnswers
from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.pace import Pace
from dashboard.sessions import Session
from dashboard.view import View
from models.user import OPENS, Role
from tests.unit.dashboard.fake_gateway import Answer, FakeGateway

Arguments = ParamSpec("Arguments")
NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)


def looped(test: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """A test in an event loop of its own."""

    @wraps(test)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def asking_of(
    answers: dict[tuple[str, str], Answer], role: Role = "admin", clock: Callable[[], float] = lambda: 0.0
) -> tuple[Asking, FakeGateway]:
    """Of somebody called by his role."""
    fake = FakeGateway({role: role}, answers)
    client = GatewayClient("http://gateway", "key", fake.transport)
    return Asking(client, SharedAnswers(clock), session_of(role), Pace(), lambda: NOW), fake


def session_of(role: Role) -> Session:
    return Session(role, role, OPENS[role], f"{role}:1", 600)


def view_at(search: dict[str, str] | None = None, page: str = "/operations") -> View:
    return View(page, "", search or {})


def stats(**other: Any) -> dict[str, Any]:
    """Of the last minutes, in which nothing is wrong."""
    return {
        "from": "2026-06-01T11:57:00Z",
        "to": "2026-06-01T12:01:00Z",
        "interval_s": 60,
        "decisions": 0,
        "alert_rate": 0.0,
        "points": [],
        "partitions": [lane()],
        "dead_letters": [],
        "unclaimed_answers": {"count": 0, "oldest_at": None},
        "parked_labels": {"count": 0, "oldest_at": None},
        "in_force": {"policy_version": "default-1", "ab_version": "default-1", "variants": []},
        "unavailable": [],
        "counted_at": "2026-06-01T12:00:30Z",
        "reconcile": {"finished_at": "2026-06-01T12:00:00Z", "findings": 0, "took_s": 0.4},
        "latency": [],
        **other,
    }


def lane(
    partition: int = 0, settled: int = 100, lag: int | None = 0, topic: str = "transactions"
) -> dict[str, Any]:
    end = None if lag is None else settled + lag
    committed = None if lag is None else settled
    place = {"topic": topic, "partition": partition}
    return {**place, "settled": settled, "committed": committed, "end": end, "lag": lag}


def said(component: Any) -> str:
    """All the words in a component."""
    if component is None:
        return ""
    if isinstance(component, str | int | float):
        return str(component)
    if isinstance(component, list | tuple):
        return " ".join(filter(None, map(said, component)))
    words = [getattr(component, name, None) for name in ("label", "title", "children")]
    return said([each for each in words if each is not None])


def ids_in(component: Any) -> set[str]:
    """Of every component that has one."""
    found = {component.id} if isinstance(getattr(component, "id", None), str) else set()
    return found.union(*(ids_in(each) for each in component._traverse() if not isinstance(each, str)))
