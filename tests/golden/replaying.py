"""The golden log through the real sweeps, on doubles, with a scorer that every feature moves."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from load.doubles import FakeLedger
from models.ab_test import ABConfig, ABTestRouter, Variant
from models.decision import alert_of
from models.features import FEATURE_NAMES
from models.scorer import Model, Scorer
from streams.arrivals import Sweep
from tests.builders import POLICY, TOPIC_IDS, Worker, explain_by_amount

HERE = Path(__file__).parent
LOG = HERE / "log.jsonl"
ARRIVAL_MS = 1_600_000_000_000  # the broker's clock, after all of the log

# Of each feature, the value that alone adds 1 to the score. Powers of two divide without rounding.
FULL = {
    "amount_minor": 2**16,
    "is_weekend": 2**6,
    "is_night": 2**5,
    "customer_tx_count_1d": 2**7,
    "customer_amount_mean_1d": -(2**19),
    "customer_tx_count_7d": 2**9,
    "customer_amount_mean_7d": -(2**18),
    "customer_tx_count_30d": 2**10,
    "customer_amount_mean_30d": -(2**20),
    "terminal_tx_count_1d": -(2**7),
    "terminal_fraud_share_1d": 2**3,
    "terminal_tx_count_7d": -(2**8),
    "terminal_fraud_share_7d": 2**1,
    "terminal_tx_count_30d": -(2**10),
    "terminal_fraud_share_30d": 2**1,
}
SPLIT = ABConfig(
    "golden-1",
    "golden",
    (
        Variant("champion", "FraudDetection_XGBoost", "champion", 0.5),
        Variant("challenger", "FraudDetection_LightGBM", "challenger", 0.5),
    ),
)


class Line(msgspec.Struct, frozen=True):
    """One record of the log. value: its bytes as text."""

    topic: str
    partition: int
    value: str


def read_log() -> list[Line]:
    return [msgspec.json.decode(line, type=Line) for line in LOG.read_bytes().splitlines()]


def write_lines(path: Path, documents: Iterable[Any]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(document) + b"\n" for document in documents))


def score_by_all(features: Any) -> Any:
    """Each feature adds its part; rounded to nine digits."""
    parts = [features[:, column].astype(np.float64) / FULL[name] for column, name in enumerate(FEATURE_NAMES)]
    return np.round(np.clip(sum(parts), 0, 1), 9)


def half_of_it(features: Any) -> Any:
    return score_by_all(features) / 2


def sweeps_of(lines: Iterable[Line], most: int, ledger: FakeLedger) -> Iterator[Sweep]:
    """Records of one topic as they arrived, at most so many; offsets go on where the ledger is."""
    for topic, run in groupby(lines, lambda line: line.topic):
        records = list(run)
        for first in range(0, len(records), most):
            yield sweep_of(topic, records[first : first + most], ledger)


def sweep_of(topic: str, records: list[Line], ledger: FakeLedger) -> Sweep:
    reached = ledger.progress(TOPIC_IDS[topic], sorted({line.partition for line in records}))
    offsets = []
    for line in records:
        offsets.append(reached[line.partition])
        reached[line.partition] += 1
    return Sweep(
        topic,
        TOPIC_IDS[topic],
        np.array([line.partition for line in records], np.int64),
        np.array(offsets, np.int64),
        np.full(len(records), ARRIVAL_MS, np.int64),
        [None] * len(records),
        [line.value.encode() for line in records],
    )


def replayed(lines: Iterable[Line], most: int = 16) -> Worker:
    """A worker that has handled the log in sweeps of at most so many records."""
    models = [
        Model("FraudDetection_XGBoost", "1", score_by_all, explain_by_amount),
        Model("FraudDetection_LightGBM", "2", half_of_it, explain_by_amount),
    ]
    worker = Worker(split=Scorer(ABTestRouter(SPLIT), models, POLICY))
    for sweep in sweeps_of(lines, most, worker.ledger):
        worker.handle(sweep)
        returned = len(worker.outbox.returned)
        worker.labels.return_due()
        again = [Line("labels", 0, label.value.decode()) for label in worker.outbox.returned[returned:]]
        for copy in sweeps_of(again, most, worker.ledger):
            worker.handle(copy)
    return worker


def answers(worker: Worker) -> dict[str, list[Any]]:
    """Documents by the name of their golden file."""
    rows = worker.ledger.rows
    dead = sorted(worker.outbox.dead, key=lambda letter: (letter.topic, letter.partition, letter.offset))
    return {
        "decisions.jsonl": [row.decided for row in rows.values()],
        "features.jsonl": [
            {"transaction_id": name} | dict(zip(FEATURE_NAMES, map(float, row.features), strict=True))
            for name, row in rows.items()
        ],
        "alerts.jsonl": [alert_of(decided) for decided in worker.outbox.alerts],
        "dead_letters.jsonl": [
            {
                "topic": each.topic,
                "partition": each.partition,
                "offset": each.offset,
                "reason": each.reason,
                "value": (each.value or b"").decode(),
            }
            for each in dead
        ],
    }
