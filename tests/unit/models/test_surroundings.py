"""Normal is what was known when the transaction was decided; a timeline is what is known at the asking."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from models.surroundings import (
    AFTER,
    BEFORE,
    DAY,
    MOST_ROWS,
    MOST_ROWS_AFTER,
    MS,
    Around,
    Seen,
    normal_of,
    timeline_of,
)

AT = datetime(2026, 6, 1, 13, 30, tzinfo=UTC)
FIRST, LAST = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seen(name: str = "tx", ago: timedelta = HOUR, **fields: Any) -> Seen:
    moment = AT - ago
    row = Seen(name, "c-1", "t-1", moment, moment + timedelta(seconds=1), 1000, "approve", 0.1)
    return row._replace(**fields)


MIDDLE = seen("middle", timedelta(0), decision="review", score=0.5, amount_minor=5000)


def around(*before: Seen, after: Any = (), **fields: Any) -> Around:
    found = Around(MIDDLE, (MIDDLE, *before), after, FIRST, LAST)
    return found._replace(**fields)


def test_nothing_before_is_no_normal() -> None:
    normal = normal_of(around())
    assert (normal.transactions, normal.median_amount_minor, normal.amount_percentile) == (0, None, None)
    assert (normal.transactions_per_active_day, normal.largest_amount_minor) == (None, None)
    assert (normal.hours, normal.known_frauds) == ([0] * 24, 0)


def test_amounts_are_told_as_there_were() -> None:
    rows = [seen(f"tx-{n}", n * HOUR, amount_minor=n * 100) for n in range(1, 21)]
    normal = normal_of(around(*rows))
    assert normal.median_amount_minor == 1000
    assert (normal.p95_amount_minor, normal.largest_amount_minor) == (1900, 2000)


@pytest.mark.parametrize(
    ("amounts", "percentile"),
    [([100, 200], 100.0), ([9000, 8000], 0.0), ([5000, 5000], 50.0), ([100, 5000, 9000, 9000], 37.5)],
)
def test_an_amount_stands_above_the_smaller_and_half_of_its_equals(
    amounts: list[int], percentile: float
) -> None:
    rows = [seen(f"tx-{n}", HOUR, amount_minor=amount) for n, amount in enumerate(amounts)]
    assert normal_of(around(*rows)).amount_percentile == percentile


def test_active_days_and_hours_are_those_of_utc() -> None:
    rows = [seen("a", HOUR), seen("b", 2 * HOUR), seen("c", DAY + 12 * HOUR)]
    normal = normal_of(around(*rows))
    assert normal.transactions_per_active_day == 1.5
    assert {hour: count for hour, count in enumerate(normal.hours) if count} == {12: 1, 11: 1, 1: 1}


def test_ninety_days_to_the_millisecond_count() -> None:
    rows = [seen("in", BEFORE), seen("out", BEFORE + MS), seen("same moment", timedelta(0))]
    normal = normal_of(around(*rows))
    assert (normal.transactions, normal.since, normal.until) == (1, AT - BEFORE, AT)
    assert not normal.truncated


def test_what_was_decided_later_was_not_known() -> None:
    late = seen("late", HOUR, decided_at=MIDDLE.decided_at + MS)
    assert normal_of(around(late, seen("known"))).transactions == 1


def test_a_fraud_is_known_by_the_label_of_then() -> None:
    rows = [
        seen("then", label="fraud", known_label="fraud"),
        seen("since", label="fraud"),
        seen("taken back since", label="genuine", known_label="fraud"),
        seen("cleared", label="fraud", known_label="genuine"),
    ]
    assert normal_of(around(*rows)).known_frauds == 2


def test_where_there_were_too_many_it_says_from_when_on() -> None:
    normal = normal_of(around(seen("a"), since=AT - DAY, is_cut_before=True))
    assert (normal.truncated, normal.since) == (True, AT - DAY)


def test_what_is_cut_after_leaves_normal_whole() -> None:
    found = around(seen("a"), is_cut_after=True)
    assert (normal_of(found).truncated, timeline_of(found).truncated) == (False, True)


def test_every_whole_day_has_a_count() -> None:
    rows = [
        seen("a", HOUR, label="fraud", decision="decline"),
        seen("b", DAY, amount_minor=70),
        seen("c", DAY + HOUR, amount_minor=5),
    ]
    days = timeline_of(around(*rows)).days
    assert (len(days), days[0].day, days[-1].day) == (91, date(2026, 3, 3), date(2026, 6, 1))
    last = days[-1]
    assert (last.transactions, last.amount_minor, last.alerts, last.frauds) == (2, 6000, 2, 1)
    before = days[-2]
    assert (before.transactions, before.amount_minor, before.alerts, before.frauds) == (2, 75, 0, 0)
    assert sum(day.transactions for day in days) == 4


def test_a_day_that_is_not_known_whole_has_no_count() -> None:
    found = timeline_of(around(since=AT - DAY, until=AT + HOUR, is_cut_before=True, is_cut_after=True))
    assert found.days == []
    found = timeline_of(around(since=AT - 2 * DAY, until=AT + 2 * DAY, is_cut_before=True))
    assert [each.day.day for each in found.days] == [31, 1, 2]


def test_rows_come_newest_first_and_those_after_are_marked() -> None:
    after = (seen("soon", -HOUR), seen("later", -2 * HOUR))
    rows = timeline_of(around(seen("a"), seen("b", 2 * HOUR), after=after)).rows
    assert [(each.transaction_id, each.after) for each in rows] == [
        ("later", True),
        ("soon", True),
        ("middle", False),
        ("a", False),
        ("b", False),
    ]


def test_the_nearest_are_told_and_the_others_counted() -> None:
    before = [seen(f"b-{n}", n * MS) for n in range(1, 400)]
    after = [seen(f"a-{n}", -n * MS) for n in range(1, 100)]
    found = timeline_of(around(*before, after=after))
    assert len(found.rows) == MOST_ROWS
    assert found.rows[0].transaction_id == f"a-{MOST_ROWS_AFTER}"
    assert found.rows[-1].transaction_id == f"b-{MOST_ROWS - MOST_ROWS_AFTER - 1}"
    assert found.rows_left_out == 1 + len(before) + len(after) - MOST_ROWS


def test_the_windows_are_those_that_are_promised() -> None:
    assert (BEFORE.days, AFTER.days) == (90, 30)
