"""A view filled with histories from outside, as a stream would have grown them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from redis.exceptions import RedisError

from load.bench.crowd import Histories
from models.history import RECORD, Ints
from streams.failures import of_redis
from streams.view.keys import short_key

# What was there when a history was made smaller last is set, what came since is appended record by record:
# that leaves the slack in memory that the view's own function leaves.
GROW = """
    local size, at = tonumber(ARGV[1]), 1
    for number, key in ipairs(KEYS) do
        local whole = tonumber(ARGV[1 + 2 * number]) * size
        local last = at + tonumber(ARGV[2 + 2 * number]) * size
        if whole > 0 then
            redis.call('SET', key, string.sub(ARGV[2], at, at + whole - 1))
        end
        for first = at + whole, last - 1, size do
            redis.call('APPEND', key, string.sub(ARGV[2], first, first + size - 1))
        end
        at = last
    end
"""
KEYS_A_CALL = 500


def fill(
    redis: Any, start: str, histories: Iterator[Histories], filled: Callable[[int], None] = lambda count: None
) -> None:
    """
    Args:
        start: what the keys of the view in force begin with.
        filled: called with the number of histories since the last call.

    Raises:
        ViewUnavailable: Redis failed.
    """
    grow = redis.register_script(GROW)
    for some in histories:
        ends = np.concatenate([[0], np.cumsum(some.sizes)]) * RECORD.itemsize
        for first in range(0, len(some.names), KEYS_A_CALL):
            rows = slice(first, min(first + KEYS_A_CALL, len(some.names)))
            packed = some.packed[ends[rows.start] : ends[rows.stop]]
            with our_errors():
                grow(keys_of(start, some)[rows], [RECORD.itemsize, packed, *_sizes(some, rows)])
        filled(len(some.names))


def keys_of(start: str, histories: Histories) -> list[str]:
    return [start + short_key(histories.entity, name) for name in histories.names]


def _sizes(histories: Histories, rows: slice) -> list[int]:
    """Of each history, how much of it was whole, and how much there is."""
    pairs: Ints = np.stack([histories.whole[rows], histories.sizes[rows]], axis=1)
    return [int(each) for each in pairs.ravel().tolist()]


def used_memory(redis: Any) -> int:
    """Bytes, of all that the server holds.

    Raises:
        ViewUnavailable: Redis failed.
    """
    with our_errors():
        return int(redis.info("memory")["used_memory"])


@contextmanager
def our_errors() -> Iterator[None]:
    """
    Raises:
        ViewUnavailable: whatever the client raised.
    """
    try:
        yield
    except RedisError as error:
        raise of_redis("Redis failed", str(error)) from error
