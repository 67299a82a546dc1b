"""`streams.ports.listing.Listings` over a ledger in memory, where a row stands as soon as it is written."""

from collections.abc import Iterator
from dataclasses import dataclass

from load.doubles.answers import FakeAnswers
from models.decision import DecidedTransaction
from models.errors import OtherLedger
from streams.ports.listing import Alerted, FeedPage, PlaceInFeed, PlaceInList, Wanted


@dataclass
class FakeListings:
    ledger: FakeAnswers
    ledger_id: str = "ledger-1"

    def page(self, wanted: Wanted, before: PlaceInList | None, limit: int) -> list[DecidedTransaction]:
        self.ledger.decision("")  # raises where the ledger is out of reach
        fitting = [row.decided for row in self.ledger.rows.values() if wanted.fits(row.decided)]
        placed = [each for each in fitting if before is None or _place(each) < before]
        return sorted(placed, key=_place, reverse=True)[:limit]

    def end_of_feed(self) -> PlaceInFeed:
        self.ledger.decision("")
        return PlaceInFeed(self.ledger_id, len(self.ledger.rows))

    def alerts_after(self, place: PlaceInFeed, limit: int) -> FeedPage:
        end = self.end_of_feed()
        if place.ledger_id != end.ledger_id:
            raise OtherLedger("the place is of another ledger")
        found = [each for each in self._alerts() if each.place > place][:limit]
        if len(found) == limit:
            return FeedPage(found, found[-1].place, False)
        return FeedPage(found, max(end, place), True)

    def _alerts(self) -> Iterator[Alerted]:
        for number, (name, row) in enumerate(self.ledger.rows.items()):
            if row.decided.decision != "approve":
                yield Alerted(PlaceInFeed(self.ledger_id, number, name), row.decided)


def _place(decided: DecidedTransaction) -> PlaceInList:
    return PlaceInList(decided.decided_at, decided.transaction_id)
