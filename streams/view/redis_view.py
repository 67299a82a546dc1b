"""`streams.ports.View` on Redis 7.2+ or Valkey 8+: one server, or a cluster whose slots hold the groups."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from models.features import ENTITIES, Entity
from streams.failures import of_redis
from streams.ports import Additions, Applied, Change, GroupState, ViewRead
from streams.redis_address import no_address
from streams.redis_functions import is_missing, may_not_load
from streams.topics import Partition
from streams.view.keys import group_of, groups_of, prefix, short_key, view_key, watermark_keys
from streams.view.servers import SCAN_COUNT, servers_of

LIBRARY = (Path(__file__).parent / "functions.lua").read_text()
APPLY, ADOPT = "fraudml_apply_1", "fraudml_adopt_1"

Answer = TypeVar("Answer")
Named = Mapping[Entity, Sequence[str]]
Rewrites = Mapping[Entity, Mapping[str, tuple[bytes, bytes]]]


class RedisView:
    """Histories and watermarks. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, groups: int = 1) -> None:
        self.groups = groups
        self._servers = servers_of(url, timeout_s)

    @property
    def connections(self) -> int:
        return self._servers.connections

    def close(self) -> None:
        self._servers.close()

    def read(self, views: Mapping[int, str], partitions: Sequence[Partition], wanted: Named) -> ViewRead:
        if self.groups == 1:
            state, histories = self._read_group(0, views.get(0), partitions, wanted)
            return ViewRead([state], histories)
        states: list[GroupState] = []
        found: dict[Entity, list[bytes | None]] = {entity: [None] * len(wanted[entity]) for entity in wanted}
        for group, places in enumerate(self._places(wanted)):
            mine = {entity: [wanted[entity][place] for place in places[entity]] for entity in wanted}
            state, histories = self._read_group(group, views.get(group), partitions, mine)
            states.append(state)
            for entity, in_order in found.items():
                for place, history in zip(places[entity], histories[entity], strict=True):
                    in_order[place] = history
        return ViewRead(states, found)

    def _places(self, wanted: Named) -> list[dict[Entity, list[int]]]:
        """Group by group, where in what is wanted its own names stand."""
        places: list[dict[Entity, list[int]]] = [
            {entity: [] for entity in wanted} for _ in range(self.groups)
        ]
        for entity, names in wanted.items():
            for place, group in enumerate(groups_of(entity, names, self.groups)):
                places[group][entity].append(place)
        return places

    def _read_group(
        self, group: int, view: str | None, partitions: Sequence[Partition], wanted: Named
    ) -> tuple[GroupState, dict[Entity, list[bytes | None]]]:
        keys = [view_key(group, self.groups)]
        if view is not None:
            start = prefix(group, self.groups, view)
            keys += watermark_keys(start, partitions)
            for entity in wanted:
                keys += [start + short_key(entity, name) for name in wanted[entity]]
        with _our_errors():
            values: list[bytes | None] = self._servers.ask(keys[0], "MGET", *keys)
        position = 1 + len(partitions)
        marks = values[1:position] if view is not None else [None] * len(partitions)
        state = GroupState(
            None if values[0] is None else values[0].decode(),
            {partition: int(mark or 0) for partition, mark in zip(partitions, marks, strict=True)},
        )
        histories: dict[Entity, list[bytes | None]] = {}
        for entity in wanted:
            size = len(wanted[entity])
            histories[entity] = values[position : position + size] if view is not None else [None] * size
            position += size
        return state, histories

    def apply(self, change: Change) -> dict[int, Applied]:
        moves = {partition: move for partition, move in change.moves.items() if move[0] != move[1]}
        if not moves:
            return dict.fromkeys(change.views, Applied.BEFORE)
        appends = self._by_key(change.additions, change.views)
        rewrites = self._rewrites(change.rewrites)
        return {
            group: self._apply_group(group, view, moves, appends[group], rewrites.get(group, []))
            for group, view in change.views.items()
        }

    def _by_key(self, additions: Additions, views: Mapping[int, str]) -> dict[int, dict[str, bytes]]:
        """Per group, the packed records of each history key."""
        appends: dict[int, dict[str, bytes]] = {group: {} for group in range(self.groups)}
        for entity in ENTITIES:
            names, packed = additions.ids[entity], additions.records[entity]
            # A sweep has thousands: their bytes are cut by numpy, and the key's beginning is made once.
            records = packed.view(np.dtype((np.void, packed.itemsize))).tolist()
            begin = short_key(entity, "")
            for name, group, record in zip(
                names, groups_of(entity, names, self.groups), records, strict=True
            ):
                key, mine = begin + name, appends[group]
                mine[key] = mine[key] + record if key in mine else record
        return {group: appends[group] for group in views}

    def _rewrites(self, rewrites: Rewrites) -> dict[int, list[tuple[str, str, bytes]]]:
        """Per group: the key, SHA-1 of the history as read, and its smaller form."""
        found: dict[int, list[tuple[str, str, bytes]]] = {}
        for entity, by_name in rewrites.items():
            for name, (before, after) in by_name.items():
                digest = hashlib.sha1(before, usedforsecurity=False).hexdigest()
                mine = found.setdefault(group_of(entity, name, self.groups), [])
                mine.append((short_key(entity, name), digest, after))
        return found

    def _apply_group(
        self,
        group: int,
        view: str,
        moves: Mapping[Partition, tuple[int, int]],
        appends: Mapping[str, bytes],
        rewrites: Sequence[tuple[str, str, bytes]],
    ) -> Applied:
        start = prefix(group, self.groups, view)
        keys = [view_key(group, self.groups), *watermark_keys(start, list(moves))]
        keys += [start + key for key in appends]
        keys += [start + key for key, _, _ in rewrites]
        arguments: list[Any] = [view, len(moves), len(appends)]
        for move in moves.values():
            arguments += move
        arguments += appends.values()
        for _, before, after in rewrites:
            arguments += (before, after)
        return Applied(self._call(APPLY, keys, arguments).decode())

    def names(self, views: Mapping[int, str]) -> Iterator[tuple[Entity, str]]:
        for group, view in views.items():
            start = prefix(group, self.groups, view)
            for entity in ENTITIES:
                begin = start + short_key(entity, "")
                with _our_errors():
                    for key in self._servers.scan(view_key(group, self.groups), f"{begin}*"):
                        yield entity, key.decode().removeprefix(begin)

    def adopt(self, group: int, found: str | None, view: str) -> bool:
        key = view_key(group, self.groups)
        adopted = bool(self._call(ADOPT, [key], [found or "", view]))
        if adopted and found is not None:
            self._forget_others(group, view)
        return adopted

    def _forget_others(self, group: int, view: str) -> None:
        """Free the memory of earlier views of a group."""
        tag = view_key(group, self.groups).removesuffix("view")
        keep = (tag + "view", prefix(group, self.groups, view))
        with _our_errors():
            for batch in _batches(self._servers.scan(tag + "view", tag + "*"), SCAN_COUNT):
                old = [key for key in batch if not key.decode().startswith(keep)]
                if old:
                    self._servers.ask(tag + "view", "UNLINK", *old)

    def _call(self, function: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        with _our_errors():
            words = ("FCALL", function, len(keys), *keys, *arguments)
            try:
                return self._servers.ask(keys[0], *words)
            except ResponseError as error:
                if not is_missing(error):
                    raise
            try:
                # Where this group is: a replica that has taken over may lack them, and others have them.
                self._servers.ask(keys[0], "FUNCTION", "LOAD", "REPLACE", LIBRARY)
            except NoPermissionError as error:
                raise may_not_load(error) from None
            return self._servers.ask(keys[0], *words)


def _batches(items: Iterator[Answer], size: int) -> Iterator[list[Answer]]:
    batch: list[Answer] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise no_address() from error
    except RedisError as error:
        raise of_redis("Redis failed", str(error).split("\n")[0]) from error
