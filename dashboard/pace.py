"""How many decisions a second: from counts by minute that grow between two looks."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from dashboard.headway import Headway

OVER_S = 5.0


class Look(NamedTuple):
    at_s: float
    counts: Mapping[str, int]


class Pace:
    """Over the last seconds, as often as somebody looks. partitions: how those get on."""

    def __init__(self) -> None:
        self.partitions = Headway()
        self._looks: deque[Look] = deque()

    def of(self, counts: Mapping[str, int], at_s: float) -> float | None:
        """counts: by minute, the last few. at_s: when the ledger told them. None: at the first look."""
        while self._looks and not at_s - OVER_S <= self._looks[0].at_s <= at_s:
            self._looks.popleft()
        if not self._looks or at_s > self._looks[-1].at_s:
            self._looks.append(Look(at_s, dict(counts)))
        first = self._looks[0]
        if first.at_s == at_s:
            return None
        oldest = min(first.counts, default="")
        added = sum(
            count - first.counts.get(minute, 0) for minute, count in counts.items() if minute >= oldest
        )
        return max(0, added) / (at_s - first.at_s)
