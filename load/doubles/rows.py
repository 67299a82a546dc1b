"""Rows of the ledger double: what makes them the same, and what they append to histories."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.decision import DecidedTransaction
from models.features import ENTITIES, Entity
from models.history import EVENT, MARK, pack
from streams.ports import Additions, Mark


def mark_of(decided: DecidedTransaction, delta: int) -> Mark:
    return Mark(decided.terminal_id, int(decided.event_time.timestamp()), 0 if decided.late else delta)


def additions_of_rows(found: Sequence[tuple[int, DecidedTransaction, int | None]]) -> Additions:
    """Decisions (without a delta) and labels (with one) as what they append."""
    ids: dict[Entity, list[str]] = {entity: [] for entity in ENTITIES}
    packed: dict[Entity, list[Any]] = {entity: [pack(*_one(0, 0), EVENT)[:0]] for entity in ENTITIES}
    for _, decided, delta in found:
        time_s = int(decided.event_time.timestamp())
        if decided.late or delta == 0:
            continue
        ids["terminal"].append(decided.terminal_id)
        packed["terminal"].append(pack(*_one(time_s, delta or 0), EVENT if delta is None else MARK))
        if delta is None:
            ids["customer"].append(decided.customer_id)
            packed["customer"].append(pack(*_one(time_s, decided.amount_minor), EVENT))
    return Additions(ids, {entity: np.concatenate(packed[entity]) for entity in ENTITIES})


def _one(time_s: int, payload: int) -> tuple[Any, Any]:
    return np.array([time_s], np.int64), np.array([payload], np.int64)
