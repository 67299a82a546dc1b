"""Dead letters: shown masked, counted without holding the page up, and sent again once they are counted."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from dash import no_update

from dashboard.choosing import chosen_search
from dashboard.dialogs import refusal
from dashboard.pages import letters
from dashboard.pages.letters import LETTERS, one_letter
from dashboard.pages.replaying import order_of, replay, would_send
from dashboard.pages.wanted_letters import wanted_of
from models.errors import BadSetting, Forbidden
from tests.unit.dashboard.asked import NOW, asking_of, ids_in, looped, said, session_of, view_at
from tests.unit.dashboard.fake_gateway import Answer, problem

LETTER = {
    "topic": "transactions",
    "partition": 2,
    "offset": 4711,
    "time": "2026-06-01T09:30:00.000+00:00",
    "reason": "currency",
    "detail": "USD is not EUR",
    "bytes": 161,
    "payload": {"transaction_id": "****17", "amount_minor": "<int>"},
}
COUNT = {
    "topic": "transactions",
    "reason": "currency",
    "letters": 1412,
    "replayed": 1,
    "partitions": [0, 2],
    "first": "2026-06-01T08:00:00.000+00:00",
    "last": "2026-06-01T09:30:00.000+00:00",
}
TOLD: dict[tuple[str, str], Answer] = {
    ("GET", "/v1/dead-letters"): lambda request: {"letters": [LETTER]},
    ("GET", "/v1/dead-letters/counts"): lambda request: {"counts": [COUNT]},
}


@looped
async def test_the_newest_are_shown_with_what_they_hold_masked() -> None:
    asking, _ = asking_of(TOLD)
    shown = LETTERS.show(await LETTERS.ask(asking, view_at()), view_at())
    (row,) = shown["letters-newest", "rowData"]
    assert (row["time"], row["place"], row["reason"]) == ("2026-06-01 09:30:00", "2 @ 4711", "currency")
    assert json.loads(row["holds"]) == LETTER["payload"]
    words = said(shown["letters-counts", "children"])
    assert "currency 1,412 1 0, 2 2026-06-01 08:00:00 2026-06-01 09:30:00" in words


@looped
async def test_the_filters_of_the_address_are_asked_for() -> None:
    asking, fake = asking_of(TOLD)
    await LETTERS.ask(asking, view_at({"topic": "labels", "reason": "not_json", "since": "24h"}))
    newest, counts = (dict(request.url.params) for request in fake.asked)
    assert newest == {"topic": "labels", "reason": "not_json", "from": "2026-05-31T12:00:00Z", "limit": "100"}
    assert counts == {"topic": "labels", "from": "2026-05-31T12:00:00Z"}


@looped
async def test_there_may_be_none() -> None:
    none: dict[tuple[str, str], Answer] = {
        ("GET", "/v1/dead-letters"): lambda request: {"letters": []},
        ("GET", "/v1/dead-letters/counts"): lambda request: {"counts": []},
    }
    asking, _ = asking_of(none)
    shown = LETTERS.show(await LETTERS.ask(asking, view_at()), view_at())
    assert shown["letters-newest", "rowData"] == []
    assert said(shown["letters-counts", "children"]) == "✓ There are none."


@looped
async def test_counting_that_takes_long_does_not_hold_the_page_up(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = asyncio.Event()

    async def slow(*_: Any) -> Any:
        await counted.wait()

    monkeypatch.setattr(letters, "PATIENCE_S", 0.01)
    monkeypatch.setattr(letters, "_counts", slow)
    asking, _ = asking_of(TOLD)
    shown = LETTERS.show(await LETTERS.ask(asking, view_at()), view_at())
    assert "are being counted" in said(shown["letters-counts", "children"])
    assert ("letters-reason", "data") not in shown


@pytest.mark.parametrize(
    "query", [{"topic": "alerts"}, {"since": "3w"}, {"reason": "\x00"}, {"reason": "x" * 65}]
)
def test_an_address_that_names_no_letters_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadSetting):
        LETTERS.layout(view_at(query), session_of("viewer"))
    with pytest.raises(BadSetting):
        wanted_of(view_at(query), NOW)


def test_only_who_may_send_them_again_is_offered_it() -> None:
    assert "letters-dry-run" not in ids_in(LETTERS.layout(view_at(), session_of("analyst")))
    assert "letters-dry-run" in ids_in(LETTERS.layout(view_at(), session_of("admin")))


@looped
async def test_what_would_be_sent_is_counted_first_and_just_that_is_sent() -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> Any:
        asked.append(json.loads(request.content))
        return {"sent": 0 if asked[-1]["dry_run"] else 2, "would_send": 2, "passed_over": 1}

    asking, _ = asking_of({("POST", "/v1/dead-letters/replay"): answer})
    order = order_of(wanted_of(view_at({"reason": "currency", "since": "1h"}), NOW), again=True)
    assert await would_send(asking, order) == {"words": "2 would be sent, 1 passed over.", "some": True}
    done = await replay(asking, " the till is mended ", order)
    assert done.words == "2 dead letters were sent again, 1 passed over."
    assert done.updates["letters-order", "data"] is None
    which = {"reason": "currency", "since": "2026-06-01T11:00:00Z", "again": True}
    assert asked == [{**which, "dry_run": True}, {**which, "dry_run": False, "why": "the till is mended"}]


@looped
async def test_nothing_is_sent_without_a_count_or_a_reason() -> None:
    asking, fake = asking_of({})
    with pytest.raises(BadSetting, match="what to send"):
        await replay(asking, "mended", None)
    with pytest.raises(BadSetting, match="a reason is wanted"):
        await replay(asking, "  ", {"again": False})
    assert fake.asked == []


@looped
async def test_who_may_not_send_them_is_told_so() -> None:
    refuse: dict[tuple[str, str], Answer] = {
        ("POST", "/v1/dead-letters/replay"): lambda request: problem(
            403, "forbidden", "No", "it lacks the scope"
        )
    }
    asking, _ = asking_of(refuse, "viewer")
    with pytest.raises(Forbidden) as refused:
        await would_send(asking, {"again": False})
    assert said(refusal(refused.value)) == "▲ Not done: your role may not do this it lacks the scope."


def test_the_letter_that_is_chosen_is_shown_whole() -> None:
    row = {"key": "transactions 2 @ 4711", "detail": "USD is not EUR", "holds": '{"a": "****17"}'}
    assert said(one_letter([row])) == 'transactions 2 @ 4711: USD is not EUR {\n  "a": "****17"\n}'


@pytest.mark.parametrize("rows", [None, [], "x", [1], [{}], [{"holds": "{"}]])
def test_what_cannot_be_chosen_shows_nothing(rows: Any) -> None:
    assert one_letter(rows) is None


def test_what_is_chosen_goes_into_the_address() -> None:
    document = {"path": "/operations", "search": "?tab=letters&topic=labels", "dark": False, "zone": "UTC"}
    assert (
        chosen_search(document, "/operations", topic=None, reason="currency")
        == "?tab=letters&reason=currency"
    )
    assert chosen_search(document, "/operations", topic="labels", reason=None) is no_update
    assert chosen_search(document, "/", topic=None, reason="currency") is no_update


@pytest.mark.parametrize("query", [{"topic": "alerts"}, {"since": "3w"}])
def test_a_word_of_the_address_is_named_as_it_stands_there(query: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=r"the address says (topic=alerts|since=3w), which cannot be"):
        wanted_of(view_at(query), NOW)


@pytest.mark.parametrize("chosen", [5, {}, [], [{}], {"a": 1}])
def test_a_choice_that_is_no_word_is_refused(chosen: Any) -> None:
    document = {"path": "/operations", "search": "?tab=letters", "zone": "UTC", "dark": False}
    with pytest.raises(BadSetting, match="this choice cannot be read"):
        chosen_search(document, "/operations", topic=chosen)


def test_a_letter_that_holds_too_much_to_be_read_is_not_shown() -> None:
    assert one_letter([{"key": "transactions 2 @ 4711", "holds": "[" * 100_000}]) is None
