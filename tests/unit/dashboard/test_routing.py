"""When a page is drawn anew, and when only what it tells changes."""

from typing import Any

import pytest

from dashboard.pages import page_at
from dashboard.routing import drawn_of
from dashboard.view import view_of

HERE = {"path": "/models", "search": "?review=0.1&decline=0.5", "zone": "UTC", "dark": False}


def drawn(**changed: Any) -> str:
    view = view_of({**HERE, **changed})
    return drawn_of(view, page_at(view))


@pytest.mark.parametrize("search", ["?review=0.2&decline=0.9", ""])
def test_words_that_only_change_what_is_told_leave_the_page_as_it_is(search: str) -> None:
    assert drawn(search=search) == drawn()


@pytest.mark.parametrize(
    "changed",
    [
        {"search": "?review=0.1&decline=0.5&tz=local"},
        {"search": "?range=7d"},
        {"dark": True},
        {"zone": "Europe/Berlin"},
        {"path": "/"},
        {"path": "/models/rest"},
    ],
)
def test_everything_else_draws_it_anew(changed: dict[str, Any]) -> None:
    assert drawn(**changed) != drawn()
