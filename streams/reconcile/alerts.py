"""R4: every review and decline has gone out once, as it was decided, and nothing else has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from confluent_kafka import Message

from models.archived import ArchivedDecision, archived
from models.decision import Alert, alert_of
from models.transaction import comparable
from streams.reconcile.check import Check
from streams.reconcile.fingerprint import Fingerprint, differences
from streams.reconcile.outputs import Output, Repeats
from streams.reconcile.ports import Books, Decided, Owner, Spans, Topics
from streams.reconcile.range import Source, holds
from streams.reconcile.standing import Standing, standing

Row = Standing | None
Judge = Callable[[Message, Alert | None, Row, bool], None]
_decoder = msgspec.json.Decoder(Alert)


@dataclass(frozen=True)
class AlertCheck:
    """Alerts by transaction, against the rows that the offsets of a range own.

    A review or decline that no record has claimed yet has no alert either.
    """

    log: Topics
    books: Books
    source: Source
    output: Output
    check: Check
    repeats: Repeats

    def look(self) -> None:
        seen, wanted = Fingerprint(self._seen(self._judge)), Fingerprint(self._wanted())
        for found in differences(seen, wanted, (lambda: self._seen(_take), self._wanted)):
            alerts = f"{found.seen} alerts" if found.seen else "no alert"
            self.check.find(f"transaction {found.name} was flagged and has {alerts}")

    def _seen(self, judge: Judge) -> Iterator[str]:
        """The flagged transactions of the range, once for each alert."""
        owned = self.source.owned()
        for messages in self.output.read(self.log):
            alerts = [_decoded(message) for message in messages]
            rows = standing(self.books, [alert.transaction_id for alert in alerts if alert])
            for message, alert in zip(messages, alerts, strict=True):
                row = rows.get(alert.transaction_id) if alert else None
                former = alert is not None and self.output.is_former(message, _owner_of(row))
                judge(message, alert, row, former)
                if alert and not former and _is_flagged(row, owned):
                    yield alert.transaction_id

    def _wanted(self) -> Iterator[str]:
        for partition, (start, stop) in self.source.owned().items():
            yield from self.books.flagged(partition, start, stop)

    def _judge(self, message: Message, alert: Alert | None, row: Row, former: bool) -> None:
        self.check.checked += 1
        self.repeats.alerts += former
        if former:
            return
        if alert is None:
            self.check.find(f"{self.output.topic}/{message.partition()}/{message.offset()} holds no alert")
        elif why := _disagreement(alert, row):
            self.check.find(f"alert {alert.alert_id} of transaction {alert.transaction_id} {why}")
        elif (owner := _owner_of(row)) and self.output.is_again(message, owner):
            self.check.find(f"transaction {alert.transaction_id} has been alerted again")


def _take(message: Message, alert: Alert | None, row: Row, former: bool) -> None:
    """It was judged before."""


def _owner_of(row: Row) -> Owner | None:
    return row.owner if isinstance(row, Decided) else None


def _is_flagged(row: Row, owned: Spans) -> bool:
    """Whether a record of the range owns a review or decline."""
    if not isinstance(row, Decided) or row.owner is None:
        return False
    return row.row.decision != "approve" and holds(owned, row.owner)


def _decoded(message: Message) -> Alert | None:
    try:
        return _decoder.decode(message.value() or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _disagreement(alert: Alert, row: Row) -> str:
    if row is None:
        return "has no row"
    if isinstance(row, ArchivedDecision):
        return "" if archived(alert) == row else "is not what was archived"
    if row.owner is None:
        return "is out, though no record has claimed its row"
    if row.row.decision == "approve":
        return "is out, though its row is an approval"
    return "" if _comparable(alert) == _comparable(alert_of(row.row)) else "is not what its row says"


def _comparable(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, attributes=comparable(alert.attributes))
