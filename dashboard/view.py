"""What a page shows, as its address says it: a link reproduces the view."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode
from zoneinfo import ZoneInfo

from models.errors import BadSetting

RANGES = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
USUAL_RANGE = "1h"
LONGEST = timedelta(days=199)
LONGEST_ADDRESS = 2048
# What is long before or after is a slip of the finger.
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    since: datetime
    until: datetime


class View(NamedTuple):
    """page: the first part of the path. rest: what follows it. query: by name. zone: of the browser."""

    page: str
    rest: str
    query: Mapping[str, str]
    zone: str = "UTC"
    dark: bool = False

    @property
    def is_fixed(self) -> bool:
        """It shows a time that is over: nothing in it changes by itself."""
        return "at" in self.query or "to" in self.query

    @property
    def range(self) -> str:
        """
        Raises:
            BadSetting: there is no such range.
        """
        name = self.query.get("range", USUAL_RANGE)
        if name not in RANGES:
            raise _bad("range", name, f"one of {', '.join(RANGES)}")
        return name

    def span(self, now: datetime) -> Span:
        """
        Raises:
            BadSetting: the address names no time.
        """
        if "from" in self.query or "to" in self.query:
            until = self._time("to") or now
            since = self._time("from") or until - RANGES[self.range]
        else:
            until = self._time("at") or now
            since = until - RANGES[self.range]
        if not timedelta() < until - since <= LONGEST:
            raise _bad("from", self.query.get("from", ""), f"before `to`, by {LONGEST.days} days at most")
        return Span(since, until)

    def timezone(self) -> tzinfo:
        """UTC, or the browser's where the address says so."""
        if self.query.get("tz") != "local":
            return UTC
        try:
            return ZoneInfo(self.zone)
        except (ValueError, KeyError, OSError):
            return UTC

    def with_(self, **changed: str | None) -> str:
        """The address with other words in its query; None takes one out."""
        kept = {name: value for name, value in {**self.query, **changed}.items() if value}
        path = self.page + (f"/{quote(self.rest, safe='')}" if self.rest else "")
        return path + (f"?{urlencode(kept)}" if kept else "")

    def _time(self, name: str) -> datetime | None:
        text = self.query.get(name)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise _bad(name, text, "a time like 2026-01-31T12:00:00Z") from None
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        if not EARLIEST.year <= found.year < LATEST.year:
            raise _bad(name, text, f"a time between {EARLIEST:%Y} and {LATEST:%Y}")
        return found


def view_of(document: Any) -> View:
    """What the browser says of the view.

    Raises:
        BadSetting: it cannot be what a page of ours says.
    """
    try:
        path, search = str(document["path"] or "/"), str(document["search"] or "")
        zone, dark = str(document["zone"]), bool(document["dark"])
    except (KeyError, TypeError):
        raise BadSetting("this view cannot be read", next_step="open the page anew") from None
    if len(path) + len(search) > LONGEST_ADDRESS:
        raise BadSetting("this address is too long", next_step="open the page from the menu")
    first, _, rest = path.strip("/").partition("/")
    query = dict(parse_qsl(search.removeprefix("?")))
    return View(f"/{first}", unquote(rest), query, zone, dark)


def _bad(name: str, value: str, wanted: str) -> BadSetting:
    return BadSetting(
        f"the address says {name}={value[:60]}, which cannot be",
        next_step=f"use {wanted}, or choose it above",
    )
