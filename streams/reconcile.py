"""Reconcile: topics, ledger, alerts and view against each other, while traffic goes on.

Each check is made on what must already be true: rows below the committed offsets, alerts as a read-committed
subscriber sees them, histories together with the watermarks they were read with.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from models.decision import alert_id_of
from models.features import ENTITIES
from models.history import Retention
from streams.codecs import TransactionCodec
from streams.gathering import sweep_of
from streams.ledger.scan import LedgerScan, MarkRow, OwnedRow
from streams.log_reader import LogReader
from streams.ports import Ledger, Place, View
from streams.recomputation import Recomputed, SeenHistories, canonical, read_histories

SHOWN = 10

Report = Callable[[str], None]


@dataclass
class Check:
    """What one check looked at, and the first of what it found wrong."""

    checked: int = 0
    findings: int = 0
    first: list[str] = field(default_factory=list)

    def find(self, what: str) -> None:
        self.findings += 1
        if len(self.first) < SHOWN:
            self.first.append(what)


class Reconciliation:
    """One run of all checks. Holds the ids of the log and the ledger in memory."""

    def __init__(
        self,
        *,
        log: LogReader,
        ledger: Ledger,
        scan: LedgerScan,
        view: View,
        codec: TransactionCodec,
        retention: Retention,
        transactions_topic: str,
        alerts_topic: str,
        topic_ids: Mapping[str, str],
        progress: Report = lambda text: None,
    ) -> None:
        self._log = log
        self._ledger = ledger
        self._scan = scan
        self._view = view
        self._codec = codec
        self._retention = retention
        self._topic = transactions_topic
        self._alerts_topic = alerts_topic
        self._topic_id = topic_ids[transactions_topic]
        self._progress = progress
        self._refused_today: set[Place] = set()
        self.checks = {"rows": Check(), "alerts": Check(), "histories": Check()}

    def run(self) -> dict[str, Any]:
        """`{"findings": N, "checks": {name: {...}}}`"""
        # The order matters: what is read later may only know more.
        committed = self._log.committed(self._topic)
        self._progress("reading the transactions")
        ids = self._ids_below(committed)
        self._progress("reading the alerts")
        alerts = self._alert_ids()
        self._progress("reading the histories")
        seen = read_histories(self._view, self._ledger)
        self._progress("reading the ledger")
        rows = [row for chunk in self._scan.decisions() for row in chunk]
        marks = [row for chunk in self._scan.marks() for row in chunk]
        self._check_rows(ids, rows, committed)
        self._check_alerts(alerts, rows, committed)
        self._progress("comparing the histories")
        self._check_histories(seen, rows, marks)
        findings = sum(check.findings for check in self.checks.values())
        return {"findings": findings, "checks": {name: asdict(check) for name, check in self.checks.items()}}

    def _ids_below(self, committed: Mapping[int, int]) -> dict[str, Place]:
        """Valid transactions below the committed offsets, and where each was met first."""
        ids: dict[str, Place] = {}
        for messages in self._log.read(self._topic, committed):
            batch, dead = self._codec.decode(sweep_of(self._topic, self._topic_id, messages, None))
            self._refused_today.update((letter.partition, letter.offset) for letter in dead)
            places = zip(batch.partition.tolist(), batch.offset.tolist(), strict=True)
            for transaction_id, place in zip(batch.transaction_id, places, strict=True):
                ids.setdefault(transaction_id, place)
        return ids

    def _alert_ids(self) -> Counter[str]:
        ends = {number: last for number, (_, last) in self._log.ends(self._alerts_topic).items()}
        found: Counter[str] = Counter()
        for messages in self._log.read(self._alerts_topic, ends):
            found.update(msgspec.json.decode(message.value())["alert_id"] for message in messages)
        return found

    def _check_rows(self, ids: dict[str, Place], rows: list[OwnedRow], committed: Mapping[int, int]) -> None:
        """Every unique valid transaction below the committed offsets has one row, and every row has one."""
        check = self.checks["rows"]
        check.checked = len(ids)
        known = {row.transaction_id for row in rows}
        for transaction_id in sorted(ids.keys() - known):
            if not self._set_aside(ids[transaction_id]):
                check.find(f"transaction {transaction_id} is below the committed offsets and has no row")
        first = {number: span[0] for number, span in self._log.ends(self._topic).items()}
        for row in self._settled(rows, committed):
            in_the_log = (row.offset or 0) >= first[row.partition or 0]
            refused_today = (row.partition, row.offset) in self._refused_today
            if in_the_log and row.transaction_id not in ids and not refused_today:
                check.find(f"row {row.transaction_id} has no transaction in the log")

    def _set_aside(self, place: Place) -> bool:
        """Whether the ledger recorded it as a dead letter: that stands, though it would be taken today."""
        number, offset = place
        recorded = self._ledger.recorded(self._topic_id, {number: (offset, offset + 1)})
        return place in recorded.dead

    def _settled(self, rows: list[OwnedRow], committed: Mapping[int, int]) -> Iterator[OwnedRow]:
        for row in rows:
            if row.topic_id != self._topic_id or row.partition is None or row.offset is None:
                continue
            if row.offset < committed.get(row.partition, 0):
                yield row

    def _check_alerts(self, alerts: Counter[str], rows: list[OwnedRow], committed: Mapping[int, int]) -> None:
        """The alerts that can be seen are the reviews and declines, each once."""
        check = self.checks["alerts"]
        check.checked = len(alerts)
        expected = {alert_id_of(row.transaction_id): row for row in rows if row.decision != "approve"}
        for alert_id, count in alerts.items():
            if count > 1:
                check.find(f"alert {alert_id} is there {count} times")
            if alert_id not in expected:
                check.find(f"alert {alert_id} has no review or decline in the ledger")
        for row in self._settled(list(expected.values()), committed):
            if alert_id_of(row.transaction_id) not in alerts:
                check.find(f"the {row.decision} of {row.transaction_id} has no alert")

    def _check_histories(self, seen: SeenHistories, rows: list[OwnedRow], marks: list[MarkRow]) -> None:
        """Every history equals the one recomputed from the ledger below the watermarks it was read with."""
        check = self.checks["histories"]
        recomputed = Recomputed(rows, marks)
        for entity in ENTITIES:
            for name in sorted(recomputed.names(entity) | seen.names(entity)):
                check.checked += 1
                raw, watermarks = seen.history(entity, name)
                expected = recomputed.history(entity, name, watermarks)
                if canonical(raw, entity, self._retention) != canonical(expected, entity, self._retention):
                    check.find(f"the history of {entity} {name} is not what the ledger gives")
