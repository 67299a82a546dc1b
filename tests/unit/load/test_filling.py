"""Filling: histories are handed to Redis in parts, with what of each is to be written at once."""

from typing import Any

import numpy as np
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from load.bench.crowd import Crowd, Histories
from load.bench.filling import KEYS_A_CALL, fill
from models.errors import ViewUnavailable
from models.features import ENTITIES
from models.history import RECORD


class Redis:
    """What the script does, in Python."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.calls: list[list[str]] = []
        self.held: dict[str, bytes] = {}
        self.appended: dict[str, int] = {}

    def register_script(self, text: str) -> Any:
        return self.grow

    def grow(self, keys: list[str], arguments: list[Any]) -> None:
        if self.fails:
            raise RedisConnectionError("it is away")
        size, packed, *sizes = arguments
        self.calls.append(keys)
        at = 0
        for key, whole, records in zip(keys, sizes[::2], sizes[1::2], strict=True):
            self.held[key] = packed[at : at + records * size]
            self.appended[key] = records - whole
            at += records * size
        assert at == len(packed)


def histories() -> list[Histories]:
    crowd, rng = Crowd("crowd", KEYS_A_CALL + 1), np.random.default_rng(1)
    return [some for entity in ENTITIES for some in crowd.histories(entity, rng)]


def test_every_history_arrives_under_its_key() -> None:
    redis = Redis()
    done: list[int] = []
    fill(redis, "start:", iter(histories()), done.append)
    customers, terminals = histories()
    assert done == [len(customers.names), len(terminals.names)]
    assert set(redis.held) == {f"start:c:{name}" for name in customers.names} | {
        f"start:t:{name}" for name in terminals.names
    }
    assert b"".join(redis.held[f"start:t:{name}"] for name in terminals.names) == terminals.packed
    first = customers.names[0]
    assert redis.appended[f"start:c:{first}"] == customers.sizes[0] - 66
    assert len(redis.held[f"start:c:{first}"]) == customers.sizes[0] * RECORD.itemsize


def test_no_call_has_more_keys_than_redis_should_be_held_up_by() -> None:
    redis = Redis()
    fill(redis, "start:", iter(histories()))
    assert [len(keys) for keys in redis.calls] == [KEYS_A_CALL, 1, KEYS_A_CALL, KEYS_A_CALL, 2]


def test_a_redis_that_fails_is_told_as_ours() -> None:
    with pytest.raises(ViewUnavailable, match="it is away"):
        fill(Redis(fails=True), "start:", iter(histories()))
