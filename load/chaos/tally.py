"""What a drill has left behind, counted against what was sent: lost, doubled, other features."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from load.chaos.obedience import Obedience
from load.columns import Transactions
from load.past import past_of
from models.decision import alert_id_of
from models.history import Retention
from models.training_set import past_features
from streams.ledger.scan import LedgerScan
from streams.log_reader import LogReader

CLOSE = 1e-6
SHOWN = 10


@dataclass
class Tally:
    """lost: transactions without a row, reviews and declines without an alert.

    doubled: alerts seen twice, rows and alerts that nobody sent. features_differ: rows whose features an
    undisturbed run would not give. disobedient: rows that are not what the rules and the model say that they
    name.
    """

    transactions: int
    lost: int = 0
    doubled: int = 0
    features_differ: int = 0
    disobedient: int = 0
    alerts: int = 0
    first: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        if len(self.first) < SHOWN:
            self.first.append(what)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.features_differ or self.disobedient)


def tally(
    table: Transactions, scan: LedgerScan, log: LogReader, alerts_topic: str, obedience: Obedience
) -> Tally:
    found = Tally(len(table))
    expected = undisturbed(table)
    flagged: set[str] = set()
    decided: set[str] = set()
    for chunk in scan.exported():
        for breach in obedience.breaches(chunk):
            found.disobedient += 1
            found.note(breach)
        for row in chunk:
            transaction_id = row.decided.transaction_id
            decided.add(transaction_id)
            if row.decided.decision != "approve":
                flagged.add(transaction_id)
            if transaction_id not in expected:
                found.doubled += 1
                found.note(f"row {transaction_id} was never sent")
            elif not same(row.features, expected[transaction_id]):
                found.features_differ += 1
                found.note(f"the features of {transaction_id} are {row.features.tolist()}")
    for transaction_id in expected.keys() - decided:
        found.lost += 1
        found.note(f"transaction {transaction_id} has no row")
    _alerts(found, flagged, alerts_of(log, alerts_topic))
    return found


def _alerts(found: Tally, flagged: set[str], seen: Counter[str]) -> None:
    expected = {alert_id_of(transaction_id) for transaction_id in flagged}
    found.alerts = len(seen)
    for alert_id in expected - seen.keys():
        found.lost += 1
        found.note(f"alert {alert_id} is missing")
    for alert_id, count in seen.items():
        extra = count - (alert_id in expected)
        if extra:
            found.doubled += extra
            found.note(f"alert {alert_id} is there {count} times")


def alerts_of(log: LogReader, topic: str) -> Counter[str]:
    """Alert ids and how often a read-committed subscriber sees each."""
    ends = {number: last for number, (_, last) in log.ends(topic).items()}
    return Counter(
        msgspec.json.decode(message.value())["alert_id"]
        for messages in log.read(topic, ends)
        for message in messages
    )


def undisturbed(table: Transactions) -> dict[str, Any]:
    """Features by transaction id, as the same code gives them offline, in event-time order."""
    rows: Iterable[Any] = np.concatenate(list(past_features(past_of(table), Retention())))
    return dict(zip(table.transaction_id.tolist(), rows, strict=True))


def same(one: Any, other: Any) -> bool:
    return bool(np.allclose(one, other, rtol=CLOSE, atol=CLOSE))
