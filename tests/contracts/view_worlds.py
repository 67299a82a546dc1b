"""A view with what surrounds it: as a double, on one Redis, and on a cluster."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from redis import Redis

from load.doubles import FakeView, Group
from models.errors import ViewUnavailable
from streams.ports import View
from streams.view import RedisView
from tests.clusters import LocalCluster
from tests.contracts.ledger_worlds import NOBODY_LISTENS, answer_of, together
from tests.stores import empty_view

TIMEOUT_S = 5.0


class ViewWorld(Protocol):
    def view(self, groups: int = 1) -> View:
        """A worker's connection to the view; each call gives another worker's."""

    def out_of_reach(self) -> View:
        """A view whose server does not answer."""

    def lose_everything(self) -> None:
        """The server comes back with nothing."""

    def break_connections(self, view: View) -> None:
        """Break every connection, and let `view` make its own anew."""

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        """Make calls at the same time; answers, or the errors that we name."""


@dataclass
class FakeViewWorld:
    """What one call does, no other interrupts."""

    state: list[Group] = field(default_factory=list)

    def view(self, groups: int = 1) -> FakeView:
        if not self.state:
            self.state += [Group() for _ in range(groups)]
        return FakeView(groups, state=self.state)

    def out_of_reach(self) -> FakeView:
        return FakeView(reachable=False)

    def lose_everything(self) -> None:
        self.state[:] = [Group() for _ in self.state]

    def break_connections(self, view: View) -> None:
        assert isinstance(view, FakeView)
        view.reconnect()

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        return [answer_of(call) for call in calls]


@dataclass
class RedisWorld:
    url: str
    opened: list[RedisView] = field(default_factory=list)

    def view(self, groups: int = 1) -> RedisView:
        self.opened.append(RedisView(self.url, TIMEOUT_S, groups))
        return self.opened[-1]

    def out_of_reach(self) -> RedisView:
        return RedisView(f"redis://{NOBODY_LISTENS}/0", TIMEOUT_S)

    def lose_everything(self) -> None:
        empty_view(self.url)

    def break_connections(self, view: View) -> None:
        with Redis.from_url(self.url, socket_timeout=TIMEOUT_S) as operator:
            keyspace = str(operator.get_connection_kwargs()["db"])
            mine = operator.client_id()
            for client in operator.client_list():
                if client["db"] == keyspace and client["id"] != str(mine):
                    operator.client_kill_filter(_id=client["id"])
        with suppress(ViewUnavailable):
            view.read({}, [], {})
        view.read({}, [], {})

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        return together(calls)

    def close(self) -> None:
        for view in self.opened:
            view.close()


class ClusterWorld(RedisWorld):
    """The same, where each state group may be at another node."""

    def __init__(self, cluster: LocalCluster) -> None:
        super().__init__(cluster.address)
        self._cluster = cluster

    def out_of_reach(self) -> RedisView:
        return RedisView(f"redis+cluster://{NOBODY_LISTENS}", TIMEOUT_S)

    def lose_everything(self) -> None:
        self._cluster.empty()

    def break_connections(self, view: View) -> None:
        for node in self._cluster.nodes:
            node.ask("CLIENT KILL", "TYPE", "normal", "SKIPME", "yes")
        with suppress(ViewUnavailable):
            view.read({}, [], {})
        view.read({}, [], {})
