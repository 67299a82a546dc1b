"""`streams.ports.View` on Redis 7.2+ or Valkey 8+, over one connection whose every renewal is counted."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import NoPermissionError, RedisError, ResponseError
from redis.retry import Retry

from models.errors import BadSetting
from models.features import ENTITIES, Entity
from streams.failures import of_redis
from streams.ports import Additions, Applied, Change, GroupState, ViewRead
from streams.redis_client import client_options
from streams.redis_functions import is_missing, may_not_load
from streams.topics import Partition
from streams.view.keys import group_of, prefix, short_key, view_key, watermark_keys

LIBRARY = (Path(__file__).parent / "functions.lua").read_text()
APPLY, ADOPT = "fraudml_apply_1", "fraudml_adopt_1"
SCAN_COUNT = 1000
READ_BYTES = 1 << 20  # a sweep's histories are megabytes

Answer = TypeVar("Answer")
Named = Mapping[Entity, Sequence[str]]


class RedisView:
    """Histories and watermarks. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, groups: int = 1) -> None:
        self.groups = groups
        self.connections = 0
        self._url = url
        self._timeout_s = timeout_s

    @cached_property
    def _redis(self) -> Redis:
        """The client; it connects as soon as it is made, so that is done at first use."""
        return Redis.from_url(
            **client_options(self._url),
            single_connection_client=True,
            protocol=2,
            socket_timeout=self._timeout_s,
            socket_read_size=READ_BYTES,
            socket_connect_timeout=self._timeout_s,
            # The client's own retries would hide a new connection, and with it writes that were lost.
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._on_connect,
        )

    def close(self) -> None:
        if "_redis" in self.__dict__:
            self._redis.close()

    def read(self, views: Mapping[int, str], partitions: Sequence[Partition], wanted: Named) -> ViewRead:
        states: list[GroupState] = []
        found: dict[tuple[Entity, str], bytes | None] = {}
        for group in range(self.groups):
            mine = self._of_group(group, wanted)
            state, values = self._read_group(group, views.get(group), partitions, mine)
            states.append(state)
            if self.groups == 1:
                return ViewRead(states, values)
            found.update(
                ((entity, name), value)
                for entity in mine
                for name, value in zip(mine[entity], values[entity], strict=True)
            )
        in_order = {entity: [found[entity, name] for name in wanted[entity]] for entity in wanted}
        return ViewRead(states, in_order)

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
            values: list[bytes | None] = self._redis.execute_command("MGET", *keys)
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

    def _of_group(self, group: int, wanted: Named) -> Named:
        if self.groups == 1:
            return wanted
        return {
            entity: [name for name in wanted[entity] if group_of(entity, name, self.groups) == group]
            for entity in wanted
        }

    def apply(self, change: Change) -> dict[int, Applied]:
        moves = {partition: move for partition, move in change.moves.items() if move[0] != move[1]}
        if not moves:
            return dict.fromkeys(change.views, Applied.BEFORE)
        appends = self._by_key(change.additions, change.views)
        return {
            group: self._apply_group(group, view, moves, appends[group], change.rewrites)
            for group, view in change.views.items()
        }

    def _by_key(self, additions: Additions, views: Mapping[int, str]) -> dict[int, dict[str, bytes]]:
        """Per group, the packed records of each history key."""
        appends: dict[int, dict[str, bytes]] = {group: {} for group in views}
        for entity in ENTITIES:
            names, packed = additions.ids[entity], additions.records[entity]
            raw, size = packed.tobytes(), packed.itemsize
            for position, name in enumerate(names):
                group = group_of(entity, name, self.groups)
                if group not in views:
                    continue
                key = short_key(entity, name)
                record = raw[position * size : (position + 1) * size]
                mine = appends[group]
                mine[key] = mine[key] + record if key in mine else record
        return appends

    def _apply_group(
        self,
        group: int,
        view: str,
        moves: Mapping[Partition, tuple[int, int]],
        appends: Mapping[str, bytes],
        rewrites: Mapping[Entity, Mapping[str, tuple[bytes, bytes]]],
    ) -> Applied:
        start = prefix(group, self.groups, view)
        keys = [view_key(group, self.groups), *watermark_keys(start, list(moves))]
        keys += [start + key for key in appends]
        arguments: list[Any] = [view, len(moves), len(appends)]
        for move in moves.values():
            arguments += move
        arguments += appends.values()
        for entity, by_name in rewrites.items():
            for name, (before, after) in by_name.items():
                if group_of(entity, name, self.groups) == group:
                    keys.append(start + short_key(entity, name))
                    arguments += [hashlib.sha1(before, usedforsecurity=False).hexdigest(), after]
        return Applied(self._call(APPLY, keys, arguments).decode())

    def names(self, views: Mapping[int, str]) -> Iterator[tuple[Entity, str]]:
        for group, view in views.items():
            start = prefix(group, self.groups, view)
            for entity in ENTITIES:
                begin = start + short_key(entity, "")
                with _our_errors():
                    for key in self._redis.scan_iter(match=f"{begin}*", count=SCAN_COUNT):
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
            for batch in _batches(self._redis.scan_iter(match=tag + "*", count=SCAN_COUNT), SCAN_COUNT):
                old = [key for key in batch if not key.decode().startswith(keep)]
                if old:
                    self._redis.unlink(*old)

    def _call(self, function: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        with _our_errors():
            call: Callable[[], Any] = lambda: self._redis.execute_command(  # noqa: E731
                "FCALL", function, len(keys), *keys, *arguments
            )
            try:
                return call()
            except ResponseError as error:
                if not is_missing(error):
                    raise
            try:
                self._redis.function_load(LIBRARY, replace=True)
            except NoPermissionError as error:
                raise may_not_load(error) from None
            return call()

    def _on_connect(self, connection: Connection) -> None:
        connection.on_connect()
        self.connections += 1


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
        raise BadSetting(
            "REDIS_URL is no address of a Redis", next_step="write it as redis://:password@host:6379/0"
        ) from error
    except RedisError as error:
        raise of_redis("Redis failed", str(error).split("\n")[0]) from error
