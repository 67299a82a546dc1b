"""Histories in Redis: ours, copied for a peer to go on with, and what has been added to either since."""

from collections import Counter
from typing import Any

from redis import Redis

from load.columns import Transactions
from load.peers.place import Place
from models.features import ENTITIES
from models.history import unpack
from streams.view.keys import prefix, short_key, view_key

SCAN_COUNT = 1000
# A record added to a history: its key less the prefix, time in seconds, amount (0 for a terminal).
Added = Counter[tuple[str, int, int]]


def our_prefix(redis: Redis, groups: int) -> str:
    """What the keys of our own view begin with. One state group, as benchmarks have it."""
    view = redis.get(view_key(0, groups))
    assert isinstance(view, bytes), "the worker has run before it is measured"
    return prefix(0, groups, view.decode())


def copy_histories(redis: Redis, source: str, place: Place) -> None:
    """Give a peer our histories as they are now, in place of its own."""
    pipeline = redis.pipeline(transaction=False)
    for key in _keys(redis, place.prefix):
        pipeline.unlink(key)
    for key in _keys(redis, source):
        pipeline.copy(key, place.prefix + key.removeprefix(source))
    pipeline.execute()


def added_since(redis: Redis, start: str, since_s: int) -> Added:
    """The transactions in the histories whose event time is not before `since_s`, as often as they are in."""
    keys = _keys(redis, start)
    values: list[Any] = redis.mget(keys) if keys else []
    records = unpack(values)
    recent = records.where((records.time_s >= since_s) & (records.count == 1))
    names = [keys[code].removeprefix(start) for code in recent.code.tolist()]
    return Counter(zip(names, recent.time_s.tolist(), recent.total.tolist(), strict=True))


def should_be_added(table: Transactions) -> Added:
    """What a table adds when each of its transactions is applied once."""
    time_s = (table.event_time_ms // 1000).tolist()
    customers = [short_key("customer", name) for name in table.customer_id.tolist()]
    terminals = [short_key("terminal", name) for name in table.terminal_id.tolist()]
    found = Counter(zip(customers, time_s, table.amount_minor.tolist(), strict=True))
    return found + Counter(zip(terminals, time_s, [0] * len(table), strict=True))


def _keys(redis: Redis, start: str) -> list[str]:
    """Of the histories behind a prefix, and of nothing else."""
    return [
        key
        for entity in ENTITIES
        for key in (each.decode() for each in redis.scan_iter(f"{start}{short_key(entity, '')}*", SCAN_COUNT))
    ]
