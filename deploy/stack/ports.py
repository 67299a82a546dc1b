"""Free ports on 127.0.0.1, chosen once and remembered."""

import random
import socket
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from deploy.stack.errors import StackError

LOCALHOST = "127.0.0.1"
# Below the ranges from which Linux (32768) and macOS (49152) take the ports of outgoing connections. A client
# that keeps calling a port in such a range, while its server is down, ends up connected to itself and keeps
# the server from ever binding it again.
LOWEST, HIGHEST = 15_000, 32_000
TRIES = 200


class Assigned(NamedTuple):
    ports: dict[str, int]
    moved: tuple[str, ...]
    """Names whose remembered port has been taken meanwhile."""


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a port whose old connections linger is free, one that somebody listens on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
        return True


def assign(
    names: Iterable[str],
    remembered: Mapping[str, int],
    *,
    given: Mapping[str, int],
    preferred: Mapping[str, int] = MappingProxyType({}),
    free: Callable[[int], bool] = is_free,
    draw: Callable[[int, int], int] = random.randint,
) -> Assigned:
    """A port for each name: the given one, else the remembered one, else the preferred one, else any.

    All but the given one only if they are free.

    Raises:
        StackError: a given port is taken, or none is free.
    """
    ports, moved = dict(remembered), []
    for name in names:
        if name in given:
            ports[name] = _given(name, given[name], free)
        elif name not in remembered or not free(remembered[name]):
            if name in remembered:
                moved.append(name)
            used = set(ports.values()) | set(given.values())
            ports[name] = _preferred(name, preferred, used, free) or _choose(used, free, draw)
    return Assigned(ports, tuple(moved))


def _given(name: str, port: int, free: Callable[[int], bool]) -> int:
    if free(port):
        return port
    raise StackError(
        f"port {port}, set for {name}, is taken on {LOCALHOST}",
        next_step="set another port, or 0 to have a free one chosen",
    )


def _preferred(
    name: str, preferred: Mapping[str, int], used: set[int], free: Callable[[int], bool]
) -> int | None:
    port = preferred.get(name)
    return port if port and port not in used and free(port) else None


def _choose(used: set[int], free: Callable[[int], bool], draw: Callable[[int, int], int]) -> int:
    for _ in range(TRIES):
        port = draw(LOWEST, HIGHEST)
        if port not in used and free(port):
            return port
    raise StackError(
        f"no free port found on {LOCALHOST} between {LOWEST} and {HIGHEST}",
        next_step="stop what listens there, then run fraudml up again",
    )
