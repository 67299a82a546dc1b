"""The job one transaction at a time, as tutorials have it: read, compute, write, each step waited for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from load.peers.means import INCARNATION, Outgoing, Record, ledger_of, redis_of, scorer_of
from load.peers.place import Place
from models.boosters import Matrix
from models.decision import Alert, Verdict, alert_id_of
from models.features import ENTITIES, FEATURES, Entity, Feature, spans_of
from models.fold import own_values
from models.history import EVENT, pack, unpack
from models.reasons import Reason, reasons_of
from models.scorer import Scorer
from models.transaction import Transaction, check_transaction, decode_transaction, ms_of_time
from streams.codecs import encode
from streams.ledger.scorings import number_of_scoring
from streams.ports.ledger import Scoring
from streams.settings import Settings, read_settings

COLUMNS = (
    "transaction_id",
    "customer_id",
    "terminal_id",
    "amount_minor",
    "currency",
    "event_time",
    "decided_at",
    "partition",
    '"offset"',
    "incarnation",
    "decision",
    "score",
    "late",
    "scoring_id",
    "features",
    "reasons",
    "path",
)
INSERT = f"""
    INSERT INTO decisions ({", ".join(COLUMNS)})
    VALUES ({", ".join(["%s"] * len(COLUMNS))}) ON CONFLICT (transaction_id) DO NOTHING
"""
Histories = Mapping[Entity, bytes | None]


class EventJob:
    """Not for several threads at once.

    Raises, in all that it does, what the clients raise: how a tool takes that is the tool's affair.
    """

    def __init__(self, settings: Settings, place: Place) -> None:
        self._place = place
        self._currency = settings.currency
        self._scorer = scorer_of(settings)
        self._redis = redis_of(settings)
        self._ledger = ledger_of(settings, place)

    @classmethod
    def of_this_process(cls) -> "EventJob":
        return cls(read_settings(), Place.of_this_process())

    def do(self, record: Record) -> list[Outgoing]:
        """Decide, keep the row, append the state; the alert, if there is one, is the caller's to send."""
        transaction = decode_transaction(record.value)
        check_transaction(transaction, self._currency)
        keys = self._keys(transaction)
        histories: list[Any] = self._redis.mget(keys)
        features = features_of(transaction, dict(zip(ENTITIES, histories, strict=True)))
        alert = decided(self._scorer, transaction, features)
        self._keep(record, alert, features)
        self._append(keys, transaction)
        return [] if alert.decision == "approve" else [Outgoing(alert.customer_id.encode(), encode(alert))]

    def _keys(self, transaction: Transaction) -> list[str]:
        names = {"customer": transaction.customer_id, "terminal": transaction.terminal_id}
        return [self._place.key(entity, names[entity]) for entity in ENTITIES]

    def _keep(self, record: Record, alert: Alert, features: Matrix) -> None:
        scoring = Scoring(
            alert.variant, alert.model_name, alert.model_version, alert.policy_version, alert.ab_version
        )
        row = (
            alert.transaction_id,
            alert.customer_id,
            alert.terminal_id,
            alert.amount_minor,
            alert.currency,
            alert.event_time,
            alert.decided_at,
            record.partition,
            record.offset,
            INCARNATION,
            alert.decision,
            alert.score,
            alert.late,
            number_of_scoring(self._ledger, scoring),
            features.tobytes(),
            encode(alert.reasons).decode() if alert.reasons else None,
            alert.path,
        )
        self._ledger.execute(INSERT, row)

    def _append(self, keys: list[str], transaction: Transaction) -> None:
        time_s = np.array([second_of(transaction)], np.int64)
        pipeline = self._redis.pipeline(transaction=False)
        for key, payload in zip(keys, (transaction.amount_minor, 0), strict=True):
            pipeline.append(key, pack(time_s, np.array([payload], np.int64), EVENT).tobytes())
        pipeline.execute()


def second_of(transaction: Transaction) -> int:
    return ms_of_time(transaction.event_time) // 1000


def features_of(transaction: Transaction, histories: Histories) -> Matrix:
    """What `models.fold` gives for a transaction that is not behind its histories: float32, (1, features)."""
    time_s = second_of(transaction)
    sums: dict[tuple[Entity | None, tuple[int, int]], tuple[int, int]] = {}
    for entity in ENTITIES:
        records = unpack([histories[entity]])
        own = transaction.amount_minor if entity == "customer" else 0
        for delay_s, window_s in spans_of(entity):
            end_s = time_s - delay_s
            inside = (records.time_s > end_s - window_s) & (records.time_s <= end_s)
            count, total = int(records.count[inside].sum()), int(records.total[inside].sum())
            # Without a delay a transaction is in its own windows.
            sums[entity, (delay_s, window_s)] = (count, total) if delay_s else (count + 1, total + own)
    values = [
        own_values(feature, np.array([time_s]), np.array([transaction.amount_minor]))[0]
        if feature.entity is None
        else _windowed(feature, *sums[feature.entity, feature.span])
        for feature in FEATURES
    ]
    return np.array([values], np.float32)


def _windowed(feature: Feature, count: int, total: int) -> float:
    return count if feature.aggregate == "count" else total / max(count, 1)


def decided(scorer: Scorer, transaction: Transaction, features: Matrix) -> Alert:
    """The decision, as the alert that it becomes if it is not to approve."""
    scored = scorer.score([transaction.customer_id], features)
    score, number = float(scored.score[0]), int(scored.variant[0])
    verdict = scorer.policy.verdict(score, transaction.amount_minor)
    return Alert(
        alert_id=alert_id_of(transaction.transaction_id),
        transaction_id=transaction.transaction_id,
        decision=verdict,
        score=score,
        reasons=_reasons(scorer, scored.variant, features, verdict, transaction.currency),
        variant=scorer.variants[number].name,
        model_name=scorer.models[number].name,
        model_version=scorer.models[number].version,
        policy_version=scorer.policy.version,
        ab_version=scorer.router.config.version,
        path="stream",
        degraded_reason=None,
        late=False,
        event_time=transaction.event_time,
        decided_at=datetime.now(UTC),
        customer_id=transaction.customer_id,
        terminal_id=transaction.terminal_id,
        amount_minor=transaction.amount_minor,
        currency=transaction.currency,
    )


def _reasons(
    scorer: Scorer, variant: NDArray[np.int64], features: Matrix, verdict: Verdict, currency: str
) -> list[Reason]:
    if verdict == "approve":
        return []
    return reasons_of(features, scorer.explain(variant, features), currency)[0]
