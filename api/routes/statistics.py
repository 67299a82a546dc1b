"""Counts and rates, of no single transaction: what a monitoring page shows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api.examples import STATISTICS
from api.parts import Gateway
from api.problems import FieldError, Problem
from api.queries import Span
from api.reply import reply_with
from api.route import Route, known
from api.statistics import LONGEST, frame_of

USUAL = timedelta(days=1)
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


def before(until: datetime, span: timedelta) -> datetime:
    """A span earlier, as far as there are such times."""
    return max(until, EARLIEST + span) - span


class StatisticsRoutes:
    """now_ms: the wall clock, for what is asked without a time."""

    def __init__(self, gateway: Gateway, now_ms: Callable[[], int]) -> None:
        self._gateway = gateway
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        answers = {200: known("Statistics", STATISTICS)}
        return [Route("GET", "/v1/stats", self.statistics, answers, "stats:read", problems=["invalid_value"])]

    async def statistics(self, request: Request, asked: Annotated[Span, Query()]) -> Response:
        """Counts of decisions over time, by default of a day; what lags, what waits and what is in force."""
        until = asked.until or datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        since = asked.since or before(until, USUAL)
        if not EARLIEST <= since < until <= LATEST or until - since > LONGEST:
            message = f"`from` is before `to`, by at most {LONGEST.days} days"
            raise Problem("invalid_value", errors=[FieldError("?from", message)])
        return reply_with(request, await self._gateway.reading.statistics(frame_of(since, until)))
