"""Decisions newest first, and alerts in the order in which they came to stand."""

from typing import Any

import psycopg

from models.decision import DecidedTransaction
from models.errors import OtherLedger, TooWide
from streams.ledger import reading
from streams.ledger.connection import Connector, TimedConnection
from streams.ports.listing import Alerted, FeedPage, PlaceInFeed, PlaceInList, Wanted

CONDITIONS = {
    "decision": "decision = %s::verdict",
    "customer_id": "customer_id = %s",
    "terminal_id": "terminal_id = %s",
    "variant": "variant = %s",
    "path": "path = %s::decision_path",
    "since": "decided_at >= %s",
    "until": "decided_at < %s",
}
DEGRADED = {True: "degraded_reason IS NOT NULL", False: "degraded_reason IS NULL"}
ALERTED = "decision <> 'approve'"
BEFORE = "(decided_at, transaction_id) < (%s, %s)"
NEWEST_FIRST = "ORDER BY decided_at DESC, transaction_id DESC LIMIT %s"
# Below the oldest transaction that is under way everything stands or never will: whoever follows in this
# order misses nothing that is committed late.
END_OF_FEED = "SELECT ledger_id::text, pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM ledger"
WRITTEN = reading.DECIDED.replace("currency, attributes", "currency, attributes, written_in::text")
ALERTS_AFTER = f"""
    {WRITTEN}
    WHERE {ALERTED} AND (written_in, transaction_id) > (%s::text::xid8, %s) AND written_in < %s::text::xid8
    ORDER BY decisions.written_in, transaction_id LIMIT %s
"""


class PostgresListings:
    """`streams.ports.Listings` on Postgres, over one connection of its own.

    timeout_s: a list that takes longer is not for a caller who waits.
    """

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def close(self) -> None:
        self._connector.close()

    def page(self, wanted: Wanted, before: PlaceInList | None, limit: int) -> list[DecidedTransaction]:
        """
        Raises:
            TooWide: it takes longer than `timeout_s`.
        """
        with self._connector.use() as connection:
            query, values = _query(wanted, before)
            try:
                found = reading.documents(connection, f"{query} {NEWEST_FIRST}", [*values, limit])
            except psycopg.errors.QueryCanceled:
                raise TooWide(
                    "too many decisions were looked through for those that were asked for",
                    why="it took too long",
                    next_step="narrow it with from and to, or ask for reviews or declines alone",
                ) from None
            return [decided for decided, _ in found]

    def end_of_feed(self) -> PlaceInFeed:
        with self._connector.use() as connection:
            return _end(connection)

    def alerts_after(self, place: PlaceInFeed, limit: int) -> FeedPage:
        with self._connector.use() as connection:
            end = _end(connection)
            if end.ledger_id != place.ledger_id:
                raise OtherLedger(
                    "the place is of another ledger",
                    why="the ledger was restored, and counts anew",
                    next_step="begin anew, without a place",
                )
            span = [str(place.written_in), place.transaction_id, str(end.written_in), limit]
            found = _alerts(connection, end.ledger_id, span)
            if len(found) == limit:
                return FeedPage(found, found[-1].place, False)
            return FeedPage(found, max(end, place), True)


def _end(connection: TimedConnection) -> PlaceInFeed:
    row = connection.execute(END_OF_FEED).fetchone()
    assert row is not None, END_OF_FEED
    return PlaceInFeed(*row)


def _alerts(connection: TimedConnection, ledger_id: str, span: list[Any]) -> list[Alerted]:
    cursor = connection.execute(ALERTS_AFTER, span)
    names = [each.name for each in cursor.description or ()]
    return [
        Alerted(PlaceInFeed(ledger_id, int(extra["written_in"]), decided.transaction_id), decided)
        for decided, _, extra in reading.documents_of(cursor, names)
    ]


def _query(wanted: Wanted, before: PlaceInList | None) -> tuple[str, list[Any]]:
    asked = {name: value for name in CONDITIONS if (value := getattr(wanted, name)) is not None}
    conditions, values = [CONDITIONS[name] for name in asked], list(asked.values())
    if wanted.degraded is not None:
        conditions.append(DEGRADED[wanted.degraded])
    if wanted.alerts_only or wanted.decision in ("review", "decline"):
        conditions.append(ALERTED)  # said in the words of the indexes that hold alerts alone
    if before is not None:
        conditions.append(BEFORE)
        values += before
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{reading.DECIDED} {where}", values
