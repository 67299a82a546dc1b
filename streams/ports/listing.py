"""The ledger, as a list of decisions: looked through newest first, or followed as it grows."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from models.decision import DecidedTransaction, Path, Verdict


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions; None takes all. since, until: of `decided_at`, [since, until)."""

    decision: Verdict | None = None
    customer_id: str | None = None
    terminal_id: str | None = None
    variant: str | None = None
    path: Path | None = None
    degraded: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    alerts_only: bool = False

    def fits(self, found: DecidedTransaction) -> bool:
        named = ("decision", "customer_id", "terminal_id", "variant", "path")
        if any(getattr(self, name) not in (None, getattr(found, name)) for name in named):
            return False
        if self.degraded not in (None, found.degraded_reason is not None):
            return False
        if self.alerts_only and found.decision == "approve":
            return False
        after = self.since is None or found.decided_at >= self.since
        return after and (self.until is None or found.decided_at < self.until)


class PlaceInList(NamedTuple):
    """A row of a list that goes from new to old. Never changes, so a page never repeats or skips a row."""

    decided_at: datetime
    transaction_id: str


class PlaceInFeed(NamedTuple):
    """How far somebody has followed the alerts: up to this one, in the order of the transactions that wrote
    them. Without an id: all that was written before that transaction.

    ledger_id: a restored ledger counts anew.
    """

    ledger_id: str
    written_in: int
    transaction_id: str = ""


class Alerted(NamedTuple):
    place: PlaceInFeed
    decided: DecidedTransaction


class FeedPage(NamedTuple):
    """alerts: in the order of their places. place: as far as this page goes; no more will come below it.
    is_all: there is no more for now.
    """

    alerts: Sequence[Alerted]
    place: PlaceInFeed
    is_all: bool


class Listings(Protocol):
    """Every method raises LedgerUnavailable when the ledger cannot be reached."""

    def page(self, wanted: Wanted, before: PlaceInList | None, limit: int) -> list[DecidedTransaction]:
        """The newest decisions before a place, newest first.

        Raises:
            TooWide: they are too few among too many to be found in time.
        """

    def end_of_feed(self) -> PlaceInFeed:
        """All that is written below it is there to be read; what comes later comes above it."""

    def alerts_after(self, place: PlaceInFeed, limit: int) -> FeedPage:
        """The next alerts after a place, as far as nothing can come in between any more.

        Raises:
            OtherLedger: the place is of another ledger.
        """
