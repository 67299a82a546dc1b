"""The decisions of a sweep as columns of their table, in the order of their ids.

So that two workers with the same ids wait for each other instead of dying.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.boosters import Scores
from streams.arrivals import Batch, Flags
from streams.codecs import encode
from streams.ledger.arrays import column, optional_texts, row_bytes, texts, timestamps
from streams.ledger.connection import TimedConnection
from streams.ledger.scorings import number_of_scoring
from streams.ports import DecisionRows


class DecisionColumns(NamedTuple):
    """Arrays of length n. verdict: indices into VERDICTS. attributes, reasons: JSON."""

    batch: Batch
    verdict: NDArray[np.int16]
    score: Scores
    late: Flags
    scoring_id: NDArray[np.int32]
    features: NDArray[np.float32]
    attributes: Sequence[bytes | None]
    reasons: Sequence[bytes | None]


def in_order_of_ids(connection: TimedConnection, rows: DecisionRows) -> DecisionColumns:
    scorings = [number_of_scoring(connection, scoring) for scoring in rows.scorings]
    ids = rows.batch.transaction_id
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    batch = rows.batch.take(order)
    return DecisionColumns(
        batch,
        rows.verdict[order].astype(np.int16),
        rows.score[order],
        rows.late[order],
        np.array(scorings, np.int32)[rows.scored_by[order]],
        rows.features[order],
        [encode(each) if each else None for each in batch.attributes],
        _reasons(rows, order),
    )


def _reasons(rows: DecisionRows, order: NDArray[np.int64]) -> list[bytes | None]:
    found: list[bytes | None] = [None] * len(order)
    if rows.reasons:
        for place, row in enumerate(order.tolist()):
            if row in rows.reasons:
                found[place] = encode(rows.reasons[row])
    return found


def decision_values(connection: TimedConnection, rows: DecisionRows, incarnation: int) -> list[Any]:
    """What the function `insert_decisions` takes."""
    found = in_order_of_ids(connection, rows)
    batch = found.batch
    return [
        incarnation,
        rows.currency,
        rows.decided_at,
        rows.degraded_reason,
        texts(batch.transaction_id),
        texts(batch.customer_id),
        texts(batch.terminal_id),
        column(batch.amount_minor),
        timestamps(batch.event_time_ms),
        column(batch.partition.astype(np.int32)),
        column(batch.offset),
        column(found.verdict),
        column(found.score),
        column(found.late),
        column(found.scoring_id),
        row_bytes(found.features),
        optional_texts(_decoded(found.attributes)),
        optional_texts(_decoded(found.reasons)),
    ]


def _decoded(documents: Sequence[bytes | None]) -> list[str | None]:
    return [None if each is None else each.decode() for each in documents]
