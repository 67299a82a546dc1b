"""Dead letters: counted, shown masked, and sent again."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.orders import AskedReplay, order_in
from api.parts import Gateway
from api.queries import MOST_ITEMS, USUAL_ITEMS, Moment, Printable
from api.reply import reply_with
from api.route import Content, Route, known, many
from streams.letter_desk import Wanted

LONGEST_REASON = 64
COUNT = {
    "topic": "transactions",
    "reason": "currency",
    "letters": 3,
    "replayed": 1,
    "partitions": [0, 2],
    "first": "2026-06-01T08:00:00.000+00:00",
    "last": "2026-06-01T09:30:00.000+00:00",
}
LETTER = {
    "topic": "transactions",
    "partition": 2,
    "offset": 4711,
    "time": "2026-06-01T09:30:00.000+00:00",
    "reason": "currency",
    "detail": "USD is not EUR",
    "bytes": 161,
    "payload": {"transaction_id": "****17", "amount_minor": "<int>", "currency": "****"},
}
REPLAYED = {"sent": 2, "would_send": 2, "passed_over": 1}
Topic = Literal["transactions", "labels"]


class DeadLetters:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        path, unknown = "/v1/dead-letters", ["invalid_value", "not_found"]
        order = [
            known("AskedReplay", {"topic": "transactions", "reason": "currency", "why": "the till is mended"})
        ]
        problems = (*bodies.OF_ORDERS, "not_found")
        shown: dict[int, Content] = {200: many("letters", "ShownLetter", LETTER)}
        counted: dict[int, Content] = {200: many("counts", "LetterCount", COUNT)}
        sent: dict[int, Content] = {200: known("Replayed", REPLAYED)}
        return [
            Route("GET", path, self.newest, shown, "letters:read", problems=unknown),
            Route("GET", f"{path}/counts", self.counts, counted, "letters:read", problems=unknown),
            Route("POST", f"{path}/replay", self.replay, sent, "letters:admin", order, problems),
        ]

    async def newest(
        self,
        request: Request,
        topic: Topic | None = None,
        reason: Annotated[str | None, Query(min_length=1, max_length=LONGEST_REASON), Printable] = None,
        since: Annotated[Moment | None, Query(alias="from")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = USUAL_ITEMS,
    ) -> Response:
        """The newest dead letters, of those that came last in each partition; what they hold is masked."""
        admin, wanted = self._gateway.administration, self._wanted(topic, reason, since)
        return reply_with(request, {"letters": await admin.ask_letters(admin.letters.newest, wanted, limit)})

    async def counts(
        self,
        request: Request,
        topic: Topic | None = None,
        since: Annotated[Moment | None, Query(alias="from")] = None,
    ) -> Response:
        """Dead letters by topic and reason, the most frequent first. Reads all of them."""
        admin, wanted = self._gateway.administration, self._wanted(topic, None, since)
        return reply_with(request, {"counts": await admin.ask_letters(admin.letters.counts, wanted)})

    async def replay(self, request: Request) -> Response:
        """Send dead letters to their topic again, each of them once; `dry_run` only counts them."""
        admin, order = self._gateway.administration, await order_in(request, AskedReplay)
        words = {
            "again": order.again,
            "dry_run": order.dry_run,
            "actor": request.state.key.actor,
            "why": order.why,
        }
        wanted = self._wanted(order.topic, order.reason, order.since)
        return reply_with(request, await admin.ask_letters(admin.letters.replay, wanted, **words))

    def _wanted(self, topic: Topic | None, reason: str | None, since: datetime | None) -> Wanted:
        names = {"transactions": self._gateway.transactions_topic, "labels": self._gateway.labels_topic}
        return Wanted(None if topic is None else names[topic], reason, since)
