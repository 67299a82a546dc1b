"""A view filled with histories from outside, appended record by record, as a stream would have grown them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from load.bench.crowd import Crowd
from models.features import Entity
from models.history import RECORD
from streams.view.keys import prefix, short_key, view_key

# Appending leaves the slack in memory that a stream of appends leaves; setting whole values would not.
APPEND_ONE_BY_ONE = """
    local size, each = tonumber(ARGV[1]), tonumber(ARGV[2])
    for number, key in ipairs(KEYS) do
        local first = (number - 1) * each * size
        for at = first + 1, first + each * size, size do
            redis.call('APPEND', key, string.sub(ARGV[3], at, at + size - 1))
        end
    end
"""
KEYS_A_CALL = 500


def fill(
    redis: Any, crowd: Crowd, entity: Entity, rng: np.random.Generator, filled: Callable[[int], None]
) -> None:
    """Histories for all customers or terminals of a crowd, in the view in force, of one state group.

    filled: called with the number of histories since the last call.
    """
    start = prefix(0, 1, redis.get(view_key(0, 1)).decode())
    append = redis.register_script(APPEND_ONE_BY_ONE)
    each = crowd.records_each(entity)
    step = each * RECORD.itemsize
    for names, packed in crowd.histories(entity, rng):
        for first in range(0, len(names), KEYS_A_CALL):
            keys = [start + short_key(entity, name) for name in names[first : first + KEYS_A_CALL]]
            append(keys, [RECORD.itemsize, each, packed[first * step : (first + len(keys)) * step]])
        filled(len(names))
