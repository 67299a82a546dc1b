"""What one check has looked at, and what it has found wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN = 10


@dataclass
class Check:
    """All findings are counted, the first are kept in words."""

    checked: int = 0
    findings: int = 0
    first: list[str] = field(default_factory=list)

    def find(self, what: str) -> None:
        self.findings += 1
        if len(self.first) < SHOWN:
            self.first.append(what)

    def find_many(self, count: int, first: Iterable[str]) -> None:
        """So many findings, of which the first have words."""
        self.findings += count
        self.first += list(first)[: SHOWN - len(self.first)]
