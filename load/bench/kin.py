"""How much CPU some processes and all below them have used, though they come and go."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import psutil

# A pid is given anew; together with its start it is not.
Key = tuple[int, float]


class Alive(NamedTuple):
    """cpu_s: its own, and of children that it has seen end."""

    key: Key
    parent: int
    cpu_s: float


class Kin:
    """is_root: whether a process begins a tree that is ours; asked once for each.

    What a tree had used when it was last seen is kept after its end.
    """

    def __init__(
        self, is_root: Callable[[int], bool], everybody: Callable[[], Iterable[Alive]] | None = None
    ) -> None:
        self._is_root = is_root
        self._everybody = everybody or alive
        self._judged: dict[Key, bool] = {}
        self._used_s: dict[Key, float] = {}

    def cpu_s(self) -> float:
        """Of all trees so far."""
        self.look()
        return sum(self._used_s.values())

    def look(self) -> None:
        everybody = {each.key[0]: each for each in self._everybody()}
        below: dict[int, list[Alive]] = {}
        for each in everybody.values():
            below.setdefault(each.parent, []).append(each)
        for each in everybody.values():
            if self._ours(each.key):
                # Never less: what a child had used is its parent's only once that has noticed the end.
                used_s = max(_tree_s(each, below), self._used_s.get(each.key, 0.0))
                self._used_s[each.key] = used_s

    def _ours(self, key: Key) -> bool:
        if key not in self._judged:
            self._judged[key] = self._is_root(key[0])
        return self._judged[key]


def _tree_s(top: Alive, below: dict[int, list[Alive]]) -> float:
    return top.cpu_s + sum(_tree_s(each, below) for each in below.get(top.key[0], ()))


def alive() -> Iterable[Alive]:
    for process in psutil.process_iter(["ppid", "create_time", "cpu_times"]):
        info = process.info
        if info["cpu_times"] is not None:  # it may not be asked, or has ended
            times = info["cpu_times"]
            used_s = times.user + times.system + times.children_user + times.children_system
            yield Alive((process.pid, info["create_time"]), info["ppid"], used_s)
