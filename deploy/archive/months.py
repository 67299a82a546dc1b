"""Which months leave: whole ones, in UTC, by when they were decided, that are older than the setting."""

from datetime import UTC, date, datetime, time, timedelta

from models.archived import month_of

DAY = timedelta(days=1)


def after(month: date) -> date:
    return (month + 31 * DAY).replace(day=1)


def begin_of(month: date) -> datetime:
    return datetime.combine(month, time(), UTC)


def due(oldest: datetime | None, now: datetime, keep_days: int) -> list[date]:
    """From the month of the oldest decision on, all whose last moment is at least so many days ago."""
    found: list[date] = []
    month = month_of(oldest) if oldest else None
    while month is not None and begin_of(after(month)) <= now - keep_days * DAY:
        found.append(month)
        month = after(month)
    return found
