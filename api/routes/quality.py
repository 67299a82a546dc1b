"""How good what decides is: by labels, under other thresholds, and whether transactions have changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api.examples_quality import DRIFT, QUALITY, WHAT_IF
from api.parts import Gateway
from api.problems import FieldError, Problem
from api.queries import Name, Span
from api.reply import reply
from api.route import Route, known
from api.routes.statistics import EARLIEST, LATEST, before
from models.costs import Costs
from models.errors import BadSetting
from models.features import LABEL_DELAY_S
from streams.quality.questions import QualityQuestion, WhatIfQuestion

USUAL, USUAL_DRIFT, LONGEST_DRIFT = timedelta(days=28), timedelta(days=1), timedelta(days=31)
MATURES = timedelta(seconds=LABEL_DELAY_S)
MINUTE_MS = 60_000
Share = Annotated[float, Field(ge=0, le=1)]
Price = Annotated[float, Field(ge=0, le=1e12)]
DECLARED = Costs()
PROBLEMS = ["invalid_value", "too_wide"]


class QualityQuery(Span):
    """When, by event time, and what decisions cost: see `models.costs.Costs`."""

    missed_share: Share = DECLARED.missed_share
    missed_fee_minor: Price = DECLARED.missed_fee_minor
    false_decline_minor: Price = DECLARED.false_decline_minor
    review_minor: Price = DECLARED.review_minor
    review_catches: Share = DECLARED.review_catches

    def costs(self) -> Costs:
        """
        Raises:
            Problem: they are none that a policy could follow from.
        """
        names = set(Costs.__struct_fields__) & set(QualityQuery.model_fields)
        try:
            return Costs(**{name: getattr(self, name) for name in names})
        except BadSetting as error:
            raise _refused("?missed_share", str(error)) from None


class WhatIfQuery(QualityQuery):
    """review, decline: both are wanted; optional here, so that who has no key hears of that first."""

    review: Share | None = None
    decline: Share | None = None
    variant: Name | None = None

    def thresholds(self) -> tuple[float, float]:
        """
        Raises:
            Problem: one is missing, or they are in the wrong order.
        """
        if self.review is None or self.decline is None:
            raise _refused("?decline" if self.decline is None else "?review", "is wanted, from 0 to 1")
        if self.review > self.decline:
            raise _refused("?review", "is at most `decline`")
        return self.review, self.decline


class QualityRoutes:
    """now_ms: the wall clock, for what is asked without a time, and to tell which labels are old enough."""

    def __init__(self, gateway: Gateway, now_ms: Callable[[], int]) -> None:
        self._gateway = gateway
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/v1/quality", self.quality, {200: known("Quality", QUALITY)}, "stats:read",
                  problems=PROBLEMS),
            Route("GET", "/v1/what-if", self.what_if, {200: known("WhatIf", WHAT_IF)}, "stats:read",
                  problems=PROBLEMS),
            Route("GET", "/v1/drift", self.drift, {200: known("Drift", DRIFT)}, "stats:read",
                  problems=PROBLEMS),
        ]  # fmt: skip

    async def quality(self, request: Request, asked: Annotated[QualityQuery, Query()]) -> Response:
        """The variants of the split in force, by labels that are a week old: figures, curves, differences."""
        since, until = self._matured(asked)
        question = QualityQuestion(since=since, until=until, costs=asked.costs())
        return reply(request, await self._gateway.measuring.ask(question))

    async def what_if(self, request: Request, asked: Annotated[WhatIfQuery, Query()]) -> Response:
        """What other thresholds would have done to the same decisions, beside those in force."""
        review, decline = asked.thresholds()
        since, until = self._matured(asked)
        question = WhatIfQuestion(
            since=since,
            until=until,
            costs=asked.costs(),
            review=review,
            decline=decline,
            variant=asked.variant,
        )
        return reply(request, await self._gateway.measuring.ask(question))

    async def drift(self, request: Request, asked: Annotated[Span, Query()]) -> Response:
        """How far the features of recent decisions lie from what the models in force were trained on."""
        until = asked.until or self._minute() + timedelta(minutes=1)
        since = asked.since or before(until, USUAL_DRIFT)
        if not EARLIEST <= since < until <= LATEST or until - since > LONGEST_DRIFT:
            raise _refused("?from", f"`from` is before `to`, by at most {LONGEST_DRIFT.days} days")
        return reply(request, await self._gateway.measuring.drift(since, until))

    def _matured(self, asked: Span) -> tuple[datetime, datetime]:
        """Up to where labels are old enough. What lies beyond is empty, not an error: it will come."""
        matured = max(EARLIEST, self._minute() - MATURES)
        until = asked.until or matured
        since = asked.since or before(min(until, matured), USUAL)
        ordered = not (asked.since and asked.until) or since < until
        if not ordered or not all(EARLIEST <= each <= LATEST for each in (since, until)):
            raise _refused("?from", "`from` is before `to`, and both lie from 1970 to 9998")
        return min(since, matured), min(until, matured)

    def _minute(self) -> datetime:
        """That has begun last: who asks the same within it gets the same."""
        return datetime.fromtimestamp(self._now_ms() // MINUTE_MS * 60, UTC)


def _refused(field: str, message: str) -> Problem:
    return Problem("invalid_value", errors=[FieldError(field, message)])
