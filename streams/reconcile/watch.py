"""Reconciling again and again: each look begins where the last clean one has ended."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from models.errors import FraudError
from streams.reconcile.metrics import ReconcileMetrics
from streams.reconcile.outcome import Outcome, ratio
from streams.reconcile.positions import Standings
from streams.reconcile.range import Range
from streams.reconcile.reconciliation import Histories

log = structlog.get_logger(__name__)


class Look(Protocol):
    def __call__(self, within: Range, histories: Histories, before: Standings) -> Outcome: ...


Keep = Callable[[Outcome, float], None]
NAMED_BY = "fraudml reconcile names the first of them"


@dataclass(frozen=True)
class Pace:
    """every_s: from the end of a look to the next. histories_every_s: those read the whole ledger."""

    every_s: float
    histories_every_s: float


class Watch:
    """Looks one after the other, and what they have found together.

    keep: told of each look that has come to its end, and how many seconds it took; where that fails the watch
    goes on. since: where the first look begins; with everything when None. clock: seconds; now: the time.
    wait: for so many seconds, or until told to stop, then true.
    """

    def __init__(
        self,
        look: Look,
        keep: Keep,
        metrics: ReconcileMetrics,
        pace: Pace,
        since: datetime | None,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        wait: Callable[[float], bool],
    ) -> None:
        self._look = look
        self._keep = keep
        self._metrics = metrics
        self._pace = pace
        self._clock = clock
        self._now = now
        self._wait = wait
        self._next = Range(since)
        self._before = Standings()
        self._histories_at_s: float | None = None
        self._proven = 0
        self.looks = 0

    def run(self) -> None:
        """Until told to stop. A store that is away is waited for: it is no finding."""
        while True:
            try:
                self.once()
            except FraudError as error:
                self._metrics.failures.labels(error.code).inc()
                log.warning("reconcile_has_to_wait", why=str(error))
            if self._wait(self._pace.every_s):
                return

    def once(self) -> None:
        """One look. Raises as `Reconciliation.run` does; the next one then begins where this one did."""
        began_s = self._clock()
        due = self._histories_at_s is None or began_s >= self._histories_at_s
        outcome = self._look(self._next, "all" if due else "none", self._before)
        if due:
            self._histories_at_s = began_s + self._pace.histories_every_s
        if outcome.within.earlier is None:
            self._proven = 0
        self._tell(outcome, self._clock() - began_s)
        self._before = outcome.standings
        if not outcome.findings:
            self._proven += outcome.proven
            self._next = replace(self._next, earlier=outcome.mark)
        self.looks += 1

    def _tell(self, outcome: Outcome, seconds: float) -> None:
        self._metrics.looked(outcome, self._now(), seconds)
        # Of all records since the watch began: those of clean looks are proven for good.
        self._metrics.ratio.set(ratio(self._proven + outcome.proven, self._proven + outcome.records))
        # In words a finding names transactions and customers: those are told to whoever asks, not to logs.
        for name, check in outcome.checks.items():
            if check.findings:
                log.error("reconcile_finds", check=name, findings=check.findings, next_step=NAMED_BY)
        log.info("reconciled", records=outcome.records, findings=outcome.findings, seconds=round(seconds, 1))
        try:
            self._keep(outcome, seconds)
        except FraudError as error:
            log.warning("round_not_kept", why=str(error))
