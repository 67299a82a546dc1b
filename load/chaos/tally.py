"""What a drill has left behind, counted against what was sent: lost, doubled, other features."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from load.chaos.obedience import Obedience
from load.columns import Transactions
from load.past import past_of
from models.decision import alert_id_of, alert_of
from models.history import Retention
from models.training_set import past_features
from streams.answered import answer_document
from streams.codecs import encode
from streams.ledger.scan import LedgerScan
from streams.log_reader import LogReader

CLOSE = 1e-6
SHOWN = 10


@dataclass
class Tally:
    """lost: transactions without a row, reviews and declines without an alert.

    doubled: alerts seen twice, rows and alerts that nobody sent. features_differ: rows whose features an
    undisturbed run would not give. disobedient: rows that are not what the rules and the model say that they
    name. disagree: alerts that are not what their rows say; callers who were told something else.
    """

    transactions: int
    lost: int = 0
    doubled: int = 0
    features_differ: int = 0
    disobedient: int = 0
    disagree: int = 0
    alerts: int = 0
    first: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        if len(self.first) < SHOWN:
            self.first.append(what)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.features_differ or self.disobedient or self.disagree)


@dataclass(frozen=True)
class Expected:
    """streamed: ids that Kafka has, so that each must have a row. asked: ids that a gateway was asked about.

    features: of rows whose features do not depend on when they were decided.
    """

    streamed: AbstractSet[str]
    asked: AbstractSet[str] = frozenset()
    features: Mapping[str, Any] = field(default_factory=dict)


def tally(
    expected: Expected, scan: LedgerScan, log: LogReader, alerts_topic: str, obedience: Obedience
) -> tuple[Tally, dict[str, bytes]]:
    """The account, and what each row answers to whoever asks a gateway, by id."""
    found = Tally(len(expected.streamed | expected.asked))
    flagged: dict[str, bytes] = {}
    answers: dict[str, bytes] = {}
    for chunk in scan.exported():
        for breach in obedience.breaches(chunk):
            found.disobedient += 1
            found.note(breach)
        for row in chunk:
            transaction_id = row.decided.transaction_id
            answers[transaction_id] = answer_document(row.decided)
            if row.decided.decision != "approve":
                flagged[alert_id_of(transaction_id)] = encode(alert_of(row.decided))
            if transaction_id not in expected.streamed and transaction_id not in expected.asked:
                found.doubled += 1
                found.note(f"row {transaction_id} was never sent")
            wanted = expected.features.get(transaction_id)
            if wanted is not None and not same(row.features, wanted):
                found.features_differ += 1
                found.note(f"the features of {transaction_id} are {row.features.tolist()}")
    for transaction_id in expected.streamed - answers.keys():
        found.lost += 1
        found.note(f"transaction {transaction_id} has no row")
    _alerts(found, flagged, alerts_of(log, alerts_topic))
    return found, answers


def _alerts(found: Tally, flagged: Mapping[str, bytes], seen: Mapping[str, Sequence[bytes]]) -> None:
    found.alerts = len(seen)
    for alert_id in flagged.keys() - seen.keys():
        found.lost += 1
        found.note(f"alert {alert_id} is missing")
    for alert_id, copies in seen.items():
        extra = len(copies) - (alert_id in flagged)
        if extra:
            found.doubled += extra
            found.note(f"alert {alert_id} is there {len(copies)} times")
        if alert_id in flagged and copies[0] != flagged[alert_id]:
            found.disagree += 1
            found.note(f"alert {alert_id} says {copies[0].decode()}")


def alerts_of(log: LogReader, topic: str) -> dict[str, list[bytes]]:
    """By alert id, every copy that a read-committed subscriber sees."""
    ends = {number: last for number, (_, last) in log.ends(topic).items()}
    found: dict[str, list[bytes]] = defaultdict(list)
    for messages in log.read(topic, ends):
        for message in messages:
            found[msgspec.json.decode(message.value())["alert_id"]].append(message.value())
    return found


def replayed(table: Transactions, asked: AbstractSet[str] = frozenset()) -> Expected:
    """Nobody asks about the customers of a table that is replayed by itself."""
    return Expected(set(table.transaction_id.tolist()), asked, undisturbed(table))


def undisturbed(table: Transactions) -> dict[str, Any]:
    """Features by transaction id, as the same code gives them offline, in event-time order."""
    rows: Iterable[Any] = np.concatenate(list(past_features(past_of(table), Retention())))
    return dict(zip(table.transaction_id.tolist(), rows, strict=True))


def same(one: Any, other: Any) -> bool:
    return bool(np.allclose(one, other, rtol=CLOSE, atol=CLOSE))
