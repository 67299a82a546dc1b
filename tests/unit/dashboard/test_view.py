"""The address is the view: a link reproduces it, and what cannot be one is told so."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.view import LONGEST, RANGES, View, view_of
from models.errors import BadSetting

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def view(**query: str) -> View:
    return View("/", "", query)


def document(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    search = f"?{parts.query}" if parts.query else ""
    return {"path": parts.path, "search": search, "zone": "UTC", "dark": False}


@given(st.dictionaries(WORDS, WORDS, max_size=4), WORDS)
def test_a_view_survives_its_address(query: dict[str, str], rest: str) -> None:
    """Whatever an id is made of."""
    shown = View("/reviews", rest, query)
    assert view_of(document(shown.with_())) == shown


def test_without_words_it_is_the_last_hour() -> None:
    assert view().span(NOW) == (NOW - timedelta(hours=1), NOW)
    assert not view().is_fixed


@pytest.mark.parametrize("name", RANGES)
def test_a_quick_range_ends_now_or_where_it_was_paused(name: str) -> None:
    assert view(range=name).span(NOW) == (NOW - RANGES[name], NOW)
    paused = view(range=name, at="2026-02-01T00:00:00Z")
    assert paused.is_fixed
    assert paused.span(NOW)[1] == datetime(2026, 2, 1, tzinfo=UTC)


def test_a_range_may_be_named_by_its_ends() -> None:
    found = view(**{"from": "2026-02-01T00:00:00+01:00", "to": "2026-02-02"}).span(NOW)
    assert found == (datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    "query",
    [
        {"range": "1w"},
        {"from": "yesterday"},
        {"from": "2026-03-02T00:00:00Z"},
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"from": (NOW - LONGEST - timedelta(1)).isoformat()},
        {"at": "2026-13-01"},
        {"at": "0001-01-01"},
        {"to": "9999-12-31T23:59:59Z"},
        {"from": "1066-10-14", "to": "1066-10-15"},
        {"at": "1'; DROP TABLE decisions"},
    ],
)
def test_a_time_that_cannot_be_is_told_with_what_can(query: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=r"the address says .*, which cannot be.*Next: use"):
        view(**query).span(NOW)


@pytest.mark.parametrize(
    "sent",
    [None, 1, [], {}, {"path": "/"}, {"path": "/", "search": "?" + "a" * 5000, "zone": "UTC", "dark": False}],
)
def test_what_no_page_of_ours_sends_is_no_view(sent: Any) -> None:
    with pytest.raises(BadSetting):
        view_of(sent)


def test_times_are_utc_or_the_browsers() -> None:
    assert view().timezone() is UTC
    local = View("/", "", {"tz": "local"}, zone="Europe/Zurich")
    assert NOW.astimezone(local.timezone()).hour == 13
    for zone in ("../etc/passwd", "Mars/Nowhere", "", "\0"):
        assert View("/", "", {"tz": "local"}, zone=zone).timezone() is UTC
