"""What surrounds a transaction: what was normal for its customer or terminal before, and what happened when.

Normal is what was known when it was decided; a timeline is what is known at the time of asking.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from models.decision import Verdict

BEFORE, AFTER = timedelta(days=90), timedelta(days=30)
MOST_ROWS, MOST_ROWS_AFTER = 200, 50
MS = timedelta(milliseconds=1)
DAY = timedelta(days=1)


class Seen(NamedTuple):
    """A decided transaction of a customer or terminal. label: the latest; known_label: the latest of those
    recorded when the transaction in the middle was decided."""

    transaction_id: str
    customer_id: str
    terminal_id: str
    event_time: datetime
    decided_at: datetime
    amount_minor: int
    decision: Verdict
    score: float
    label: str | None = None
    known_label: str | None = None

    @property
    def day(self) -> date:
        return self.event_time.astimezone(UTC).date()


class Around(NamedTuple):
    """What was looked at, the transaction in the middle included.

    before: up to it, newest first; after: from then on, oldest first. since, until: all from `since` on and
    before `until` is among them. is_cut_before, is_cut_after: there is more than was looked at.
    """

    middle: Seen
    before: Sequence[Seen]
    after: Sequence[Seen]
    since: datetime
    until: datetime
    is_cut_before: bool = False
    is_cut_after: bool = False


class Normal(msgspec.Struct, frozen=True, kw_only=True):
    """Of the time from `from` on and before `to`, which is the transaction's own: 90 days, or, where there
    were too many, the last of them (`truncated`). Amounts are those of transactions that there were; None
    without any."""

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    truncated: bool
    transactions: int
    transactions_per_active_day: float | None
    median_amount_minor: int | None
    p95_amount_minor: int | None
    largest_amount_minor: int | None
    amount_percentile: (
        Annotated[float, Meta(ge=0, le=100, description="below this amount; of equal ones half are counted")]
        | None
    )
    hours: Annotated[list[int], Meta(min_length=24, max_length=24, description="by hour of day, UTC")]
    known_frauds: Annotated[int, Meta(ge=0, description="by labels that stood when it was decided")]


class TimelineDay(msgspec.Struct, frozen=True):
    """A whole day, UTC. alerts: reviews and declines. frauds: by the latest labels."""

    day: date
    transactions: int
    amount_minor: int
    alerts: int
    frauds: int


class TimelineRow(msgspec.Struct, frozen=True, kw_only=True):
    """label: the latest. after: its event time is later than that of the transaction in the middle."""

    transaction_id: str
    customer_id: str
    terminal_id: str
    event_time: datetime
    amount_minor: int
    decision: Verdict
    score: float
    label: str | None
    after: bool


class EntityTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """All from `from` on and before `to` was looked at: 90 days before and up to 30 after, or less around the
    transaction (`truncated`). days: the whole days of it, oldest first. rows: newest first, nearest to the
    transaction; rows_left_out: how many more were looked at."""

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    truncated: bool
    days: list[TimelineDay]
    rows: list[TimelineRow]
    rows_left_out: int


def normal_of(around: Around) -> Normal:
    """Later labels, and what was decided later, are none of it."""
    middle = around.middle
    since = max(middle.event_time - BEFORE, around.since)
    known = [
        each
        for each in around.before
        if since <= each.event_time < middle.event_time and each.decided_at <= middle.decided_at
    ]
    amounts = np.array([each.amount_minor for each in known], np.int64)
    median, p95, largest = _quantiles(amounts)
    return Normal(
        since=since,
        until=middle.event_time,
        truncated=since > middle.event_time - BEFORE,
        transactions=len(known),
        transactions_per_active_day=len(known) / len({each.day for each in known}) if known else None,
        median_amount_minor=median,
        p95_amount_minor=p95,
        largest_amount_minor=largest,
        amount_percentile=_percentile(amounts, middle.amount_minor),
        hours=_hours(known),
        known_frauds=sum(each.known_label == "fraud" for each in known),
    )


def _quantiles(amounts: NDArray[np.int64]) -> list[int] | tuple[None, None, None]:
    """Median, 95th percentile and largest, each an amount that there was."""
    if not len(amounts):
        return None, None, None
    return [int(each) for each in np.percentile(amounts, [50, 95, 100], method="inverted_cdf")]


def _percentile(amounts: NDArray[np.int64], amount_minor: int) -> float | None:
    if not len(amounts):
        return None
    below, equal = int((amounts < amount_minor).sum()), int((amounts == amount_minor).sum())
    return 100 * (below + equal / 2) / len(amounts)


def _hours(seen: Sequence[Seen]) -> list[int]:
    hours = [0] * 24
    for each in seen:
        hours[each.event_time.astimezone(UTC).hour] += 1
    return hours


def timeline_of(around: Around) -> EntityTimeline:
    after = list(around.after[:MOST_ROWS_AFTER])
    shown = [*reversed(after), *around.before[: MOST_ROWS - len(after)]]
    return EntityTimeline(
        since=around.since,
        until=around.until,
        truncated=around.is_cut_before or around.is_cut_after,
        days=_days(around),
        rows=[_row(each, around.middle) for each in shown],
        rows_left_out=len(around.before) + len(around.after) - len(shown),
    )


def _row(seen: Seen, middle: Seen) -> TimelineRow:
    fields = {name: getattr(seen, name) for name in TimelineRow.__struct_fields__ if name != "after"}
    return TimelineRow(after=seen.event_time > middle.event_time, **fields)


def _days(around: Around) -> list[TimelineDay]:
    by_day = defaultdict[date, list[Seen]](list)
    for each in (*around.before, *around.after):
        by_day[each.day].append(each)
    first, end = _first_whole(around.since), around.until.astimezone(UTC).date()
    return [_day(day, by_day[day]) for day in (first + n * DAY for n in range((end - first).days))]


def _first_whole(since: datetime) -> date:
    day = since.astimezone(UTC).date()
    return day if since == datetime.combine(day, time(), UTC) else day + DAY


def _day(day: date, seen: Sequence[Seen]) -> TimelineDay:
    return TimelineDay(
        day,
        len(seen),
        sum(each.amount_minor for each in seen),
        sum(each.decision != "approve" for each in seen),
        sum(each.label == "fraud" for each in seen),
    )
