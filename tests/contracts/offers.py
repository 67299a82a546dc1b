"""Sweeps as a worker offers them to a ledger: decoded, decided without any history, with their step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.features import ENTITIES, FEATURE_NAMES
from models.policy import APPROVE
from streams.arrivals import Batch, Sweep
from streams.codecs import TransactionCodec, decode_labels
from streams.ports import (
    Additions,
    DecisionRows,
    Duplicates,
    LabelsSettled,
    Ledger,
    ParkedLabel,
    Recorded,
    Scoring,
    Settled,
    Step,
)
from streams.verdicts import step_of
from tests.builders import NOW, POLICY, REASON, TOPIC_IDS, WAIT_S, Log, score_by_amount

CODEC = TransactionCodec("EUR", 300_000)
SCORING = Scoring("champion", "FraudDetection_XGBoost", "7", POLICY.version, "ab-1")


def records(
    *documents: Any, partition: int = 0, first: int = 0, topic: str = "transactions", topic_id: str = ""
) -> Sweep:
    """Documents as the records of one partition from offset `first` on."""
    log = Log(topic, topic_id)
    log.partitions[partition] = [None] * first
    log.produce(*documents, partition=partition)
    return log.sweep({partition: first})


def following(
    ledger: Ledger, *documents: Any, partition: int = 0, topic: str = "transactions", topic_id: str = ""
) -> Sweep:
    """Documents as the records that come after what the ledger has settled."""
    first = ledger.progress(topic_id or TOPIC_IDS[topic], [partition])[partition]
    return records(*documents, partition=partition, first=first, topic=topic, topic_id=topic_id)


def decisions_on(batch: Batch, **changes: Any) -> DecisionRows:
    features = np.zeros((len(batch), len(FEATURE_NAMES)), np.float32)
    features[:, FEATURE_NAMES.index("amount_minor")] = batch.amount_minor
    score = score_by_amount(features)
    late, scored_by = np.zeros(len(batch), np.bool_), np.zeros(len(batch), np.int64)
    verdict = POLICY.decide(score, batch.amount_minor)
    reasons = {row: [REASON] for row in np.flatnonzero(verdict != APPROVE).tolist()}
    rows = DecisionRows(
        batch, verdict, score, late, scored_by, (SCORING,), features, "EUR", NOW, reasons=reasons
    )
    return replace(rows, **changes)


def step_for(ledger: Ledger, sweep: Sweep, dead: Any, **changes: Any) -> Step:
    progress = ledger.progress(sweep.topic_id, sweep.partitions())
    return replace(step_of(sweep, progress, dead), **changes)


def offer(
    ledger: Ledger,
    sweep: Sweep,
    *,
    leave_out: Sequence[int] = (),
    step: dict[str, Any] | None = None,
    **changes: Any,
) -> Settled | Duplicates:
    """Offer a sweep of transactions, less some rows; duplicates come in the order of the batch.

    step, changes: what to say otherwise than a worker would.
    """
    batch, dead = CODEC.decode(sweep)
    rows = decisions_on(batch.without(leave_out), **changes)
    outcome = ledger.settle_decisions(step_for(ledger, sweep, dead, **step or {}), rows)
    if isinstance(outcome, Settled):
        return outcome
    return Duplicates(sorted(outcome.rows), sorted(outcome.conflicts))


def decide(ledger: Ledger, *documents: Any, partition: int = 0, topic_id: str = "", **changes: Any) -> None:
    """Have documents decided as the next records of a partition."""
    sweep = following(ledger, *documents, partition=partition, topic_id=topic_id)
    assert isinstance(offer(ledger, sweep, **changes), Settled)


def offer_labels(ledger: Ledger, sweep: Sweep, **step: Any) -> LabelsSettled:
    labels, dead = decode_labels(sweep, CODEC.ahead_ms)
    return ledger.settle_labels(step_for(ledger, sweep, dead, **step), labels)


def due(ledger: Ledger, limit: int = 10) -> list[ParkedLabel]:
    """Those of the first parked labels whose transaction has come."""
    return ledger.due_labels(None, limit, WAIT_S).labels


def label_next(ledger: Ledger, *documents: Any, partition: int = 0) -> LabelsSettled:
    """Offer labels as the next records of a partition."""
    return offer_labels(ledger, following(ledger, *documents, partition=partition, topic="labels"))


def recorded(ledger: Ledger, partition: int = 0, topic: str = "transactions") -> Recorded:
    """Everything that stands for a partition."""
    return ledger.recorded(TOPIC_IDS[topic], {partition: (0, 1000)})


def owners(ledger: Ledger, partition: int = 0) -> dict[int, str]:
    """Whose decision each offset of a partition is."""
    decisions = recorded(ledger, partition).decisions
    return {offset: found.transaction_id for (_, offset), found in decisions.items()}


def appended(additions: Additions) -> dict[str, list[tuple[str, bytes]]]:
    """Additions in the order of appending: per kind of entity, ids and records."""
    return {
        entity: [
            (name, additions.records[entity][row : row + 1].tobytes())
            for row, name in enumerate(additions.ids[entity])
        ]
        for entity in ENTITIES
    }
