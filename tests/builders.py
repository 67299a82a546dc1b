"""Small worlds for tests: documents, sweeps, and a worker's pipeline on doubles."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
import numpy as np
from prometheus_client import CollectorRegistry

from load.doubles import FakeLedger, FakeOutbox, FakeView
from models.ab_test import ABConfig, ABTestRouter, Variant
from models.decision import DecidedTransaction, Path
from models.features import FEATURE_NAMES
from models.history import Retention
from models.policy import flat_policy
from models.reasons import Reason
from models.scorer import Model, Scorer
from models.transaction import time_of_ms
from streams.answered import Place, Signer
from streams.arrivals import Sweep
from streams.codecs import TransactionCodec
from streams.deciding import Decider
from streams.healing import CHUNK_ROWS, ViewKeeper
from streams.labels import LabelSweeps
from streams.metrics import Metrics
from streams.poison import PoisonGate, PoisonLimit
from streams.ports import Ledger, Outbox, View
from streams.sweep import TransactionSweeps

NOON_MS = 1_700_000_000_000 - 1_700_000_000_000 % 86_400_000 + 43_200_000
BROKER_MS = NOON_MS + 400 * 86_400_000
AHEAD_MS = 300_000
WAIT_S = 1000.0
NO_TIME_S = -1.0  # whatever is parked has waited for longer
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

POLICY = flat_policy("test-1", review_at=0.3, decline_at=0.8)
ONE_VARIANT = ABConfig("ab-1", "salt", (Variant("champion", "FraudDetection_XGBoost", "champion", 1.0),))
REASON = Reason(
    code="amount",
    sentence="The amount is 19.99 EUR; usual for this customer is 7.50 EUR.",
    feature="amount_minor",
    value=1999.0,
    usual=750.0,
    contribution=1.25,
)
TOPIC_IDS = {"transactions": "transactions-id", "labels": "labels-id"}


def transaction(transaction_id: str = "tx-1", **fields: Any) -> dict[str, Any]:
    """A transaction document; `day` counts from noon of a fixed day."""
    day = fields.pop("day", 0.0)
    event_time = time_of_ms(NOON_MS + round(day * 86_400_000)).isoformat().replace("+00:00", "Z")
    document = {
        "transaction_id": transaction_id,
        "customer_id": "c-1",
        "terminal_id": "t-1",
        "amount_minor": 1999,
        "currency": "EUR",
        "event_time": event_time,
    }
    return document | fields


def label(transaction_id: str = "tx-1", **fields: Any) -> dict[str, Any]:
    document = {
        "label_id": f"{transaction_id}-label",
        "transaction_id": transaction_id,
        "customer_id": "c-1",
        "label": "fraud",
        "source": "chargeback",
        "version": 1,
        "event_time": "2024-01-01T00:00:00Z",
    }
    return document | fields


def decided(**fields: Any) -> DecidedTransaction:
    """A decision that somebody must look at."""
    values: dict[str, Any] = {
        "transaction_id": "tx-1",
        "decision": "review",
        "score": 0.5,
        "reasons": [REASON],
        "variant": "champion",
        "model_name": "FraudDetection_XGBoost",
        "model_version": "7",
        "policy_version": "default-1",
        "ab_version": "default-1",
        "path": "stream",
        "degraded_reason": None,
        "late": False,
        "event_time": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "decided_at": datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        "customer_id": "c-1",
        "terminal_id": "t-1",
        "amount_minor": 1999,
        "currency": "EUR",
        "attributes": {"channel": "web"},
    }
    return DecidedTransaction(**values | fields)


def encoded(document: Any) -> bytes | None:
    return document if isinstance(document, bytes | None) else msgspec.json.encode(document)


def score_by_amount(features: Any) -> Any:
    """0.1 below 100.00, 0.5 from there, 0.9 from 1000.00: as good a model as a test needs."""
    amount = features[:, FEATURE_NAMES.index("amount_minor")]
    return np.where(amount >= 100_000, 0.9, np.where(amount >= 10_000, 0.5, 0.1))


def explain_by_amount(features: Any) -> Any:
    """All of it is the amount's doing."""
    added = np.zeros((len(features), len(FEATURE_NAMES) + 1))
    added[:, FEATURE_NAMES.index("amount_minor")] = features[:, FEATURE_NAMES.index("amount_minor")] / 10_000
    return added


def scorer(predict: Any = score_by_amount) -> Scorer:
    model = Model("FraudDetection_XGBoost", "7", predict, explain_by_amount)
    return Scorer(ABTestRouter(ONE_VARIANT), [model], POLICY)


@dataclass
class Log:
    """A topic in memory: what was produced to each partition."""

    topic: str = "transactions"
    topic_id: str = ""
    partitions: dict[int, list[bytes | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.topic_id = self.topic_id or TOPIC_IDS[self.topic]

    def produce(self, *documents: Any, partition: int = 0) -> None:
        self.partitions.setdefault(partition, []).extend(encoded(each) for each in documents)

    def sweep(self, start: dict[int, int] | None = None, stop: dict[int, int] | None = None) -> Sweep:
        """Records from `start` to before `stop`, partition by partition."""
        rows = [
            (number, offset, values[offset])
            for number, values in sorted(self.partitions.items())
            for offset in range((start or {}).get(number, 0), (stop or {}).get(number, len(values)))
        ]
        return Sweep(
            self.topic,
            self.topic_id,
            np.array([number for number, _, _ in rows], np.int64),
            np.array([offset for _, offset, _ in rows], np.int64),
            np.full(len(rows), BROKER_MS, np.int64),
            [b"key"] * len(rows),
            [value for _, _, value in rows],
        )


def sweep_of(*documents: Any, topic: str = "transactions") -> Sweep:
    log = Log(topic)
    log.produce(*documents)
    return log.sweep()


def decider(
    of_now: Callable[[], Scorer], metrics: Metrics, retention: Retention | None = None, path: Path = "stream"
) -> Decider:
    """What decides, at a fixed moment."""
    return Decider(
        scorer=of_now,
        retention=retention or Retention(),
        currency="EUR",
        path=path,
        now=lambda: NOW,
        metrics=metrics,
    )


class Worker:
    """A worker's pipeline over given neighbours; a second one over the same is a restart or a rival."""

    _epochs = count(1)

    def __init__(
        self,
        ledger: Ledger | None = None,
        view: View | None = None,
        outbox: Outbox | None = None,
        *,
        predict: Any = score_by_amount,
        split: Scorer | None = None,
        retention: Retention | None = None,
        limit: PoisonLimit = PoisonLimit(),
        heal_apart: Callable[[], None] | None = None,
        signer: Signer | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self.ledger: Any = ledger or FakeLedger()
        self.view: Any = view or FakeView()
        self.outbox: Any = outbox or FakeOutbox()
        self.waited: list[tuple[list[float], float]] = []
        self.metrics = Metrics(
            CollectorRegistry(), lambda seconds, at_s: self.waited.append((seconds.tolist(), at_s))
        )
        self.keeper = ViewKeeper(
            self.ledger,
            self.view,
            lambda: f"e{next(self._epochs)}",
            self.metrics,
            heal_apart=heal_apart,
            chunk_rows=chunk_rows,
        )
        self.held: list[tuple[str, Mapping[int, int]]] = []
        self.gate = PoisonGate(self.ledger, limit, lambda *stops: self.held.append(stops))
        self.refused_marks: list[tuple[str, list[Place]]] = []
        self.transactions = TransactionSweeps(
            codec=TransactionCodec("EUR", AHEAD_MS),
            ledger=self.ledger,
            keeper=self.keeper,
            outbox=self.outbox,
            gate=self.gate,
            signer=lambda: signer,
            decider=decider(lambda: split or scorer(predict), self.metrics, retention),
            now=lambda: NOW,
            metrics=self.metrics,
            refused=lambda topic, places: self.refused_marks.append((topic, [*places])),
        )
        self.labels = LabelSweeps(
            ledger=self.ledger,
            keeper=self.keeper,
            outbox=self.outbox,
            gate=self.gate,
            metrics=self.metrics,
            ahead_ms=AHEAD_MS,
            wait_s=WAIT_S,
        )

    def restarted(self, **neighbours: Any) -> "Worker":
        """Another worker over the same stores, with nothing in memory."""
        return Worker(**{"ledger": self.ledger, "view": self.view, "outbox": self.outbox} | neighbours)

    def handle(self, sweep: Sweep) -> None:
        (self.transactions if sweep.topic == "transactions" else self.labels).handle(sweep)

    def decide(self, *documents: Any) -> None:
        """Handle documents as the next records of partition 0."""
        self.handle(continued(self.ledger, "transactions", documents))

    def label(self, *documents: Any) -> None:
        self.handle(continued(self.ledger, "labels", documents))

    def histories(self) -> dict[tuple[str, str], bytes]:
        """What the fake view holds, records in the order of time."""
        return {
            (entity, name): b"".join(sorted(_records(raw)))
            for group in self.view.state
            for (view, entity, name), raw in group.histories.items()
            if view == group.view
        }

    def verdicts(self) -> dict[str, str]:
        return {name: row.decided.decision for name, row in self.ledger.rows.items()}

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def continued(ledger: Ledger, topic: str, documents: Iterable[Any]) -> Sweep:
    """A sweep of partition 0 that begins where the ledger's progress ends."""
    start = ledger.progress(TOPIC_IDS[topic], [0])[0]
    log = Log(topic)
    log.partitions[0] = [None] * start
    log.produce(*documents)
    return log.sweep({0: start})


def _records(raw: bytes) -> Sequence[bytes]:
    return [raw[i : i + 12] for i in range(0, len(raw), 12)]
