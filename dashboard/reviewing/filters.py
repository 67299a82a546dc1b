"""Which cases a queue shows, and in what order, as the address says it."""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from dashboard.gateway import Parameters
from dashboard.view import View
from models.errors import BadSetting
from models.path_segment import DOTS, as_segment
from models.transaction import LARGEST_AMOUNT_MINOR

PATH = "/reviews"
CASES_ON_A_PAGE = 100
# What each word of the address may be; the first is what holds without it.
CHOICES: dict[str, tuple[str, ...]] = {
    "sort": ("expected_loss", "age"),
    "decision": ("", "review", "decline"),
    "held_by": ("", "nobody", "me"),
    "escalated": ("", "true", "false"),
    "snoozed": ("false", "true"),
}
LEAST, CURSOR = "min_amount_minor", "cursor"
WORDS = (*CHOICES, LEAST)
# Browsers resolve `..` even where it is quoted; no id has this, and nobody sees it.
AFTER_DOTS = "\N{ZERO WIDTH SPACE}"


class Filters(NamedTuple):
    """words: of the address that narrow or order the queue, and only those that it has. cursor: where a page
    begins, as the gateway told it."""

    words: dict[str, str]
    cursor: str | None

    @property
    def sort(self) -> str:
        return self.words.get("sort", CHOICES["sort"][0])

    @property
    def is_personal(self) -> bool:
        """Whether the answer depends on who asks."""
        return self.words.get("held_by") == "me"

    def parameters(self, limit: int = CASES_ON_A_PAGE) -> Parameters:
        """As the gateway takes them."""
        cursor = {CURSOR: self.cursor} if self.cursor else {}
        return {**self.words, **cursor, "limit": limit}


def filters_of(view: View) -> Filters:
    """
    Raises:
        BadSetting: the address has a word that cannot be.
    """
    words = {name: view.query[name] for name in WORDS if view.query.get(name)}
    for name, choices in CHOICES.items():
        if name in words and words[name] not in choices:
            raise _bad(name, words[name], f"one of {', '.join(filter(None, choices))}")
    _check_least(words.get(LEAST, "0"))
    return Filters(words, view.query.get(CURSOR))


def address_of(transaction_id: str | None, view: View, **changed: str | None) -> str:
    """Of a case, or of the queue (None), with what the view says besides; None takes a word out."""
    kept = {name: value for name, value in {**view.query, **changed}.items() if value}
    path = PATH + (f"/{_in_browser(transaction_id)}" if transaction_id else "")
    return path + (f"?{urlencode(kept)}" if kept else "")


def gateway_path(transaction_id: str, action: str = "") -> str:
    """Of a case, or of what is done with it. transaction_id: as the address of a page says it."""
    path = f"/v1/reviews/{as_segment(transaction_id.removesuffix(AFTER_DOTS))}"
    return f"{path}/{action}" if action else path


def _in_browser(transaction_id: str) -> str:
    return quote(transaction_id + AFTER_DOTS * (transaction_id in DOTS), safe="")


def _check_least(text: str) -> None:
    if not (text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST_AMOUNT_MINOR):
        raise _bad(LEAST, text, f"a whole number up to {LARGEST_AMOUNT_MINOR}")


def _bad(name: str, value: str, wanted: str) -> BadSetting:
    return BadSetting(
        f"the address says {name}={value[:60]}, which cannot be",
        next_step=f"use {wanted}, or choose it on the page",
    )
