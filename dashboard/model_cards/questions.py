"""What the page Models asks, and for which time."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from dashboard.asking import Asking
from dashboard.gateway import LONG_S
from dashboard.model_cards.hearing import NOTHING_YET, Heard, Question, hear
from dashboard.view import LONGEST, View
from models.errors import BadSetting, GatewayUnavailable

SOON_S, MINUTE_S, SELDOM_S = 4.0, 60.0, 600.0
# Together the most that passes without an answer before the page says that it has none.
QUICK_FRESH_S, QUICK_S = 1.0, 3.0
IN_FORCE = Question("/v1/stats", 10.0, only=("in_force",))
SPLIT = Question("/v1/ab", QUICK_FRESH_S, within_s=QUICK_S)
POLICY = Question("/v1/policies", QUICK_FRESH_S, within_s=QUICK_S)
AUDIT = Question("/v1/audit", SOON_S, (("limit", 200),), ("rows",))
# Takes seconds: MLflow is asked.
MODELS = Question("/v1/models", MINUTE_S, within_s=LONG_S)
NEWEST = Question("/v1/decisions", SELDOM_S, (("limit", 1),), ("items",))


class Thresholds(NamedTuple):
    """Scores from which on a transaction is reviewed, and declined."""

    review: float
    decline: float


class Told(NamedTuple):
    """asked: the thresholds of the what-if; None while nobody has named any and those in force are unknown.
    first: counts since long ago, asked only where there is nothing to measure. newest: the last decision.
    """

    asked: Thresholds | None
    in_force: Heard
    split: Heard
    policy: Heard
    audit: Heard
    models: Heard
    newest: Heard
    quality: Heard
    drift: Heard
    what_if: Heard = NOTHING_YET
    first: Heard = NOTHING_YET


async def ask(asking: Asking, view: View) -> Told:
    """
    Raises:
        BadSetting: the address cannot be.
        GatewayUnavailable: not even what is quick can be had.
        Unauthenticated: whoever asks is signed in no more.
    """
    asked, span = thresholds_in(view), measured(view, asking.now())
    quality = Question("/v1/quality", MINUTE_S, span, within_s=LONG_S)
    drift = Question("/v1/drift", MINUTE_S, drifted(view, asking.now()), within_s=LONG_S)
    questions = (IN_FORCE, SPLIT, POLICY, AUDIT, MODELS, NEWEST, quality, drift)
    told = Told(asked, *await asyncio.gather(*(hear(asking, each) for each in questions)))
    _raise_if_away(told)
    asked = asked or thresholds_of(told.policy.document)
    what_if, first = await asyncio.gather(
        hear(asking, _what_if(asked, span)) if asked else _nothing(),
        hear(asking, _since_long_ago(asking.now())) if lacks_labels(told.quality) else _nothing(),
    )
    return told._replace(asked=asked, what_if=what_if, first=first)


def lacks_labels(quality: Heard) -> bool:
    return quality.document is not None and not quality.document["variants"]


def thresholds_in(view: View) -> Thresholds | None:
    """Those of the address; None where it names none.

    Raises:
        BadSetting: they cannot be thresholds.
    """
    texts = [view.query.get(name) for name in Thresholds._fields]
    if texts == [None, None]:
        return None
    try:
        found = Thresholds(*(float(text or "") for text in texts))
    except ValueError:
        found = Thresholds(math.nan, math.nan)
    if not 0 <= found.review <= found.decline <= 1:
        raise BadSetting(
            "these thresholds in the address cannot be",
            next_step="use both, as in ?review=0.4&decline=0.9: from 0 to 1, review at most decline",
        )
    return found


def thresholds_of(policies: Any) -> Thresholds | None:
    """Of the policy in force, for the smallest amounts."""
    if policies is None:
        return None
    band = policies["policy"]["bands"][0]
    return Thresholds(band["review_at"], band["decline_at"])


def measured(view: View, now: datetime) -> tuple[tuple[str, str], ...]:
    """By event time; the gateway's usual time where the address names none.

    Raises:
        BadSetting: it names none that can be.
    """
    span = view.span(now)
    ends = (("from", span.since, "from" in view.query), ("to", span.until, view.is_fixed))
    return tuple((name, _text(at)) for name, at, is_named in ends if is_named)


def drifted(view: View, now: datetime) -> tuple[tuple[str, str], ...]:
    """By the time of the decision: what a paused page shows was decided before."""
    return (("to", _text(view.span(now).until)),) if "at" in view.query else ()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _what_if(asked: Thresholds, span: tuple[tuple[str, str], ...]) -> Question:
    thresholds = (("review", asked.review), ("decline", asked.decline))
    return Question("/v1/what-if", MINUTE_S, (*thresholds, *span), within_s=LONG_S)


def _since_long_ago(now: datetime) -> Question:
    """Of whole days, so that it is the same question for a day."""
    since = (now - LONGEST + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    return Question("/v1/stats", SELDOM_S, (("from", _text(since)),), ("points",))


async def _nothing() -> Heard:
    return NOTHING_YET


def _raise_if_away(told: Told) -> None:
    """Where not even the quick ones are answered the whole page says so, once: what stands there is old."""
    troubles = [each.trouble for each in (told.split, told.policy)]
    if all(isinstance(each, GatewayUnavailable) for each in troubles) and troubles[0] is not None:
        raise troubles[0]
