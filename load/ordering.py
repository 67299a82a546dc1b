"""Late and repeated: orders in which a day's records may reach the topics, within stated bounds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from load.columns import Ints, codes_of
from models.errors import BadSetting


def shuffled(keys: Sequence[str] | NDArray[Any], distance: int, rng: np.random.Generator) -> Ints:
    """An order of the records: record order[0] first. `keys` are the customers, as ids or as numbers.

    No record moves more than `distance` places (half of it is usually the most), and none past another one of
    the same key.

    Each record is given a moment in [place, place + distance + 1), so only records up to `distance` places
    apart can pass each other. Each key's records then share out their moments in order: the k-th smallest
    of these lies in the k-th record's own interval, so the bound stays.
    """
    at_least("distance", distance, 0)
    numbers = isinstance(keys, np.ndarray) and keys.dtype.kind in "iu"
    code = np.asarray(keys) if numbers else codes_of(keys)
    place = np.arange(len(code))
    moment = place + rng.random(len(code)) * (distance + 1)
    in_order = np.empty_like(moment)
    in_order[np.lexsort((place, code))] = moment[np.lexsort((moment, code))]
    return np.argsort(in_order, kind="stable")


def with_duplicates(order: Ints, share: float, distance: int, rng: np.random.Generator) -> Ints:
    """The order with each record again with probability `share`, 1 to `distance` places after its first time.

    Without the second times it is the same order. If the place drawn is taken, the next free one is used:
    the last that is allowed is always free, as no earlier record may reach it.
    """
    if not 0 <= share <= 1:
        raise BadSetting(f"the share of duplicates is {share}", next_step="give a number from 0 to 1")
    at_least("distance", distance, 1)
    again = rng.random(len(order)) < share
    steps = rng.integers(1, distance + 1, len(order))
    taken: dict[int, int] = {}
    result: list[int] = []
    for record, repeated, step in zip(order.tolist(), again.tolist(), steps.tolist(), strict=True):
        place_taken(result, taken)
        result.append(record)
        if repeated:
            place = len(result) - 1 + step
            while place in taken:
                place += 1
            taken[place] = record
    # Gaps close when no records are left to fill them; that only brings the second times nearer.
    result += [taken[place] for place in sorted(taken)]
    return np.array(result, np.int64)


def place_taken(result: list[int], taken: dict[int, int]) -> None:
    """Move what is due at the end of the result there."""
    while len(result) in taken:
        result.append(taken.pop(len(result)))


def at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise BadSetting(f"{name} is {value}", next_step=f"set {name} to {least} or more")
