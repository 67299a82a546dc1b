"""What a reconciliation has found, as a document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from streams.reconcile.answers import Answers
from streams.reconcile.check import Check
from streams.reconcile.outputs import Repeats
from streams.reconcile.positions import Standings
from streams.reconcile.range import Mark, Range

CHECKS = (
    "rows",
    "labels",
    "conservation",
    "alerts",
    "dead_letters",
    "answers",
    "rest",
    "histories",
    "positions",
)
# A finding of these is of one record: it is not proven.
OF_RECORDS = ("alerts", "dead_letters", "answers")


@dataclass
class Outcome:
    """records: in the range, up to the log's end when it began. explained: those that were found to be right.

    quiet: no transaction was left to be done. elsewhere: rows that were not looked at, by why. answers: what
    gateways have signed. repeats: what a former ledger had sent. mark: where the next look may begin.
    """

    within: Range
    checks: Mapping[str, Check] = field(default_factory=lambda: {name: Check() for name in CHECKS})
    records: int = 0
    explained: int = 0
    quiet: bool = False
    partitions: Sequence[Mapping[str, Any]] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    repeats: Repeats = field(default_factory=Repeats)
    standings: Standings = field(default_factory=Standings)
    mark: Mark | None = None

    @property
    def findings(self) -> int:
        return sum(check.findings for check in self.checks.values())

    @property
    def proven(self) -> int:
        return max(0, self.explained - sum(self.checks[name].findings for name in OF_RECORDS))

    def first(self) -> list[str]:
        """The first findings of each check, in words."""
        return [f"{name}: {what}" for name, check in self.checks.items() for what in check.first]

    def document(self) -> dict[str, Any]:
        since, until = self.within.since, self.within.until
        return {
            "findings": self.findings,
            "reconciled_ratio": ratio(self.proven, self.records),
            "records": self.records,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "checks": {name: asdict(check) for name, check in self.checks.items()},
            "partitions": list(self.partitions),
            "elsewhere": dict(self.elsewhere),
            "answers": asdict(self.answers),
            "repeated_after_restore": asdict(self.repeats),
            "positions": [asdict(standing) for standing in self.standings.of.values()],
        }


def ratio(proven: int, records: int) -> float:
    return proven / records if records else 1.0
