"""What is missing and what is there twice, after a program was killed in the middle and started again."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from load.peers.histories import Added


@dataclass(frozen=True, slots=True)
class Losses:
    """rows: transactions without a row. state: transactions that are not in a history, or more than once in
    it; the larger of customers and terminals. alerts: as a reader with `read_committed` sees them."""

    lost_rows: int
    lost_state: int
    lost_alerts: int
    doubled_state: int
    doubled_alerts: int

    def document(self) -> dict[str, Any]:
        return {
            "lost": self.lost_rows + self.lost_state + self.lost_alerts,
            "lost_rows": self.lost_rows,
            "lost_state": self.lost_state,
            "lost_alerts": self.lost_alerts,
            "doubled": self.doubled_state + self.doubled_alerts,
            "doubled_state": self.doubled_state,
            "doubled_alerts": self.doubled_alerts,
        }


def losses(
    sent: Iterable[str],
    rows: Iterable[str],
    expected: Added,
    added: Added,
    flagged: Iterable[str],
    alerted: Iterable[str],
) -> Losses:
    """sent, rows: ids of transactions. flagged: those whose rows ask for an alert. alerted: those of the
    alerts, as often as they were sent."""
    wanted, found = Counter(flagged), Counter(alerted)
    return Losses(
        lost_rows=len(set(sent) - set(rows)),
        lost_state=_most(expected - added),
        lost_alerts=(wanted - found).total(),
        doubled_state=_most(added - expected),
        doubled_alerts=(found - wanted).total(),
    )


def _most(records: Added) -> int:
    """How many transactions, as each has a record in two histories."""
    kinds: Counter[str] = Counter()
    for (key, _, _), count in records.items():
        kinds[key[0]] += count
    return max(kinds.values(), default=0)
