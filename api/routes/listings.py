"""Lists of what was decided: decisions and alerts, newest first; and alerts as they come."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Any

import anyio
import msgspec
import structlog
from fastapi import Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.examples import ALERT, DECISION
from api.parts import Gateway
from api.problems import FieldError, Problem
from api.queries import AlertsQuery, DecisionsQuery
from api.reply import reply_with
from api.route import EVENT_STREAM, Content, Route, listed
from models.decision import DecidedTransaction, alert_of, decision_of
from models.errors import FraudError
from streams.ports import PlaceInFeed, PlaceInList
from streams.ports.listing import Wanted

log = structlog.get_logger(__name__)

HEARTBEAT_S = 10.0
SLOWEST_SEND_S = 10.0
LEAVE_WITHIN_S = 2.0
FEED = "feed"
NOT_OF_A_STREAM = ("from", "to", "limit", "cursor")
EVENT = f"id: 2fQ\ndata: {msgspec.json.encode(ALERT).decode()}\n\n"


class Lists:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        problems = ("invalid_value", "cursor", "too_wide")
        events = Content({"type": "string"}, EVENT, EVENT_STREAM)
        return [
            Route(
                "GET",
                "/v1/decisions",
                self.decisions,
                {200: listed("Decision", DECISION)},
                "decisions:read",
                problems=problems,
            ),
            Route(
                "GET",
                "/v1/alerts",
                self.alerts,
                {200: listed("Alert", ALERT)},
                "decisions:read",
                problems=[*problems, "other_ledger"],
                otherwise=events,
            ),
        ]

    async def decisions(self, request: Request, asked: Annotated[DecisionsQuery, Query()]) -> Response:
        """Decisions, newest first."""
        return await self._page(request, asked, asked.wanted(alerts_only=False), decision_of)

    async def alerts(
        self,
        request: Request,
        asked: Annotated[AlertsQuery, Query()],
        last_event_id: Annotated[str | None, Header(max_length=512)] = None,
    ) -> Response:
        """Reviews and declines, newest first; or, as an event stream, from now on or after an event."""
        wanted = asked.wanted(alerts_only=True)
        if EVENT_STREAM in request.headers.get("accept", ""):
            return await self._follow(request, wanted, last_event_id)
        return await self._page(request, asked, wanted, alert_of)

    async def _page(
        self,
        request: Request,
        asked: AlertsQuery,
        wanted: Wanted,
        document_of: Callable[[DecidedTransaction], Any],
    ) -> Response:
        reading = self._gateway.reading
        before = reading.cursors.open(asked.cursor, PlaceInList, wanted) if asked.cursor else None
        found = await reading.page(wanted, before, asked.limit + 1)
        items = found[: asked.limit]
        cursor = None
        if len(found) > len(items):
            last = PlaceInList(items[-1].decided_at, items[-1].transaction_id)
            cursor = reading.cursors.seal(last, wanted)
        return reply_with(request, {"items": [document_of(each) for each in items], "next_cursor": cursor})

    async def _follow(self, request: Request, wanted: Wanted, last_event_id: str | None) -> Response:
        unfit = [name for name in NOT_OF_A_STREAM if name in request.query_params]
        if unfit:
            raise Problem("invalid_value", errors=[FieldError(f"?{unfit[0]}", "is not for an event stream")])
        reading = self._gateway.reading
        place = reading.cursors.open(last_event_id, PlaceInFeed, FEED) if last_event_id else None
        leaving = anyio.Event()
        events = self._events(request, wanted, await reading.feed.join(place), leaving)
        return EventStream(
            events,
            headers=getattr(request.state, "limit_headers", {}),
            ping=0,  # our own heartbeat bears an id, and never passes an event
            sep="\n",
            send_timeout=SLOWEST_SEND_S,
            shutdown_event=leaving,
            shutdown_grace_period=LEAVE_WITHIN_S,
        )

    async def _events(
        self, request: Request, wanted: Wanted, place: PlaceInFeed, leaving: anyio.Event
    ) -> AsyncIterator[ServerSentEvent]:
        seal = self._gateway.reading.cursors.seal
        told_s = time.monotonic()
        yield _told("following", seal(place, FEED))
        async with aclosing(self._gateway.reading.feed.follow(place)) as pages:
            async for page in pages:
                if leaving.is_set() or not self._may_go_on(request):
                    return
                for each in page.alerts:
                    if wanted.fits(each.decided):
                        told_s = time.monotonic()
                        document = msgspec.json.encode(alert_of(each.decided)).decode()
                        yield ServerSentEvent(document, id=seal(each.place, FEED), sep="\n")
                if time.monotonic() - told_s >= HEARTBEAT_S:
                    told_s = time.monotonic()
                    yield _told("still here", seal(page.place, FEED))

    def _may_go_on(self, request: Request) -> bool:
        """A key that is revoked ends what it has opened."""
        try:
            self._gateway.access.identify(request).require("decisions:read")
        except FraudError as error:
            log.info("follower_let_go", why=str(error))
            return False
        return True


def _told(comment: str, place: str) -> ServerSentEvent:
    """No event, but the id to come back with."""
    return ServerSentEvent(comment=comment, id=place, sep="\n")


class EventStream(EventSourceResponse):
    """Ends where its reader does not take what it is sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("follower_let_go", why=f"took nothing for {SLOWEST_SEND_S:g} s")
