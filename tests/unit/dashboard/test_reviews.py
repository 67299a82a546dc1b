"""The queue: what it asks and says, what is done with many cases at once, and the way to the next one."""

import asyncio
import json
from datetime import UTC
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from api.examples import QUEUED_CASE
from api.shared_answers import SharedAnswers
from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.pace import Pace
from dashboard.page import Updates
from dashboard.pages.reviews import REVIEWS
from dashboard.reviewing.bulk import close_all
from dashboard.reviewing.filters import address_of, filters_of, gateway_path
from dashboard.reviewing.verdicts import finding_of
from dashboard.sessions import Session
from dashboard.view import View, view_of
from models.errors import BadSetting
from models.user import OPENS
from tests.unit.dashboard import asked
from tests.unit.dashboard.conftest import NOW, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway, problem
from tests.unit.dashboard.pressing import Hands, notice

ANN = Session("ann", "analyst", OPENS["analyst"], "ann:1", 600)
VIC = Session("vic", "viewer", OPENS["viewer"], "vic:1", 600)
QUEUE = View("/reviews", "", {})


def queued(name: str, **changed: Any) -> dict[str, Any]:
    return QUEUED_CASE | {"transaction_id": name} | changed


def page(*cases: dict[str, Any], more: str | None = None) -> dict[str, Any]:
    return {"items": list(cases), "next_cursor": more}


def told(gateway: FakeGateway, client: GatewayClient, clock: Clock, view: View, answer: Any) -> Updates:
    gateway.answers["GET", "/v1/reviews"] = lambda request: answer

    async def ask() -> Updates:
        asking = Asking(client, SharedAnswers(clock), ANN, Pace(), lambda: NOW)
        return REVIEWS.show(await REVIEWS.ask(asking, view), view)

    return asyncio.run(ask())


@pytest.fixture
def ann(anybody: httpx.AsyncClient) -> Hands:
    return Hands(anybody, "ann")


def ids_in(component: Any) -> set[str]:
    return {each.id for each in component._traverse() if getattr(each, "id", None)}


def test_the_address_says_what_is_asked(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> None:
    words = {"sort": "age", "decision": "decline", "held_by": "me", "escalated": "true", "snoozed": "true"}
    view = View("/reviews", "", {**words, "min_amount_minor": "5000", "cursor": "abc", "tz": "local"})
    told(gateway, client, clock, view, page())
    asked = dict(gateway.asked[-1].url.params)
    assert asked == {**words, "min_amount_minor": "5000", "cursor": "abc", "limit": "100"}


@pytest.mark.parametrize(
    "words",
    [
        {"sort": "evil"},
        {"decision": "approve"},
        {"held_by": "user/bob"},
        {"escalated": "maybe"},
        {"min_amount_minor": "-1"},
        {"min_amount_minor": "1e3"},
        {"min_amount_minor": "9" * 30},
        {"min_amount_minor": "²"},
    ],
)
def test_an_address_that_cannot_be_is_told_so(words: dict[str, str]) -> None:
    for view in (View("/reviews", "", words), View("/reviews", "tx-1", words)):
        with pytest.raises(BadSetting, match=r"the address says .*, which cannot be"):
            REVIEWS.layout(view, ANN)


def test_a_row_says_who_has_it_and_how_it_stands(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    until = "2026-03-01T12:10:00Z"
    cases = page(
        queued("tx-1", decided_at="2026-03-01T10:30:00Z"),
        queued("tx-2", held_by="user/bob", held_until=until, escalated=True),
        queued("tx-3", held_by="user/ann", held_until=until, snoozed_until="2026-03-02T08:00:00Z"),
    )
    found = told(gateway, client, clock, QUEUE, cases)
    rows = found["reviews-grid", "rowData"]
    assert rows[0] == {
        "id": "tx-1",
        "href": "/reviews/tx-1",
        "loss": "450.00 EUR",
        "amount": "900.00 EUR",
        "score": "0.500",
        "decision": "◇ review",
        "age": "90 min",
        "customer": "c-1",
        "terminal": "t-1",
        "state": "open",
        "holder": "–",
    }
    assert (rows[1]["state"], rows[1]["holder"]) == ("▲ escalated", "bob until 12:10")
    assert (rows[2]["state"], rows[2]["holder"]) == (
        "z snoozed until 2026-03-02 08:00",
        "you until 12:10",
    )
    words = "3 cases here · expected loss 1,350.00 EUR · 1 yours · 1 taken by others"
    assert found["reviews-count", "children"] == words


def test_the_next_page_has_a_link_where_there_is_one(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    view = View("/reviews", "", {"sort": "age"})
    last = told(gateway, client, clock, view, page(queued("tx-1")))
    more = told(gateway, client, clock, view, page(more="a/b"))
    assert last["reviews-more", "style"] == {"display": "none"}
    assert more["reviews-more", "style"] == {}
    assert more["reviews-more", "href"] == "/reviews?sort=age&cursor=a%2Fb"


def test_an_empty_queue_says_so(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> None:
    found = told(gateway, client, clock, QUEUE, page())
    assert found["reviews-grid", "rowData"] == []
    assert found["reviews-count", "children"] == "0 cases here"


def test_who_only_looks_has_no_buttons_to_act() -> None:
    buttons = {"reviews-bulk-open", "reviews-bulk-confirm"}
    assert buttons <= ids_in(REVIEWS.layout(QUEUE, ANN))
    assert not buttons & ids_in(REVIEWS.layout(QUEUE, VIC))
    assert {"reviews-grid", "reviews-sort", "reviews-next"} <= ids_in(REVIEWS.layout(QUEUE, VIC))


def test_every_id_has_strange_characters_quoted() -> None:
    view = View("/reviews", "", {"sort": "age"})
    assert address_of("a/b?c#d", view) == "/reviews/a%2Fb%3Fc%23d?sort=age"


@pytest.mark.parametrize("name", [".", "..", "...", ".a", "a/..", "%2E%2E", "tx-1"])
def test_an_id_of_dots_is_resolved_by_no_browser_and_asked_for_as_it_is(name: str) -> None:
    address = address_of(name, QUEUE)
    # All that browsers take for `.` or `..`. Source: URL Standard, single-dot and double-dot segments.
    dots = {".", "%2e", "..", ".%2e", "%2e.", "%2e%2e"}
    assert address.rsplit("/", 1)[1].lower() not in dots
    shown = view_of({"path": address, "search": "", "zone": "UTC", "dark": False})
    asked = httpx.URL("http://gateway").join(gateway_path(shown.rest, "take")).raw_path.decode()
    assert [unquote(each) for each in asked.split("/")] == ["", "v1", "reviews", name, "take"]


def test_filters_without_words_are_those_of_the_gateway() -> None:
    assert filters_of(QUEUE).parameters() == {"limit": 100}
    assert filters_of(QUEUE).sort == "expected_loss"


def close(ann: Hands, rows: Any, code: Any = "fraud_pattern") -> Any:
    return ann.press(
        "reviews-bulk-confirm", QUEUE, grid=rows, bulk_verdict="fraud", bulk_code=code, bulk_note="a ring"
    )


def test_many_are_closed_at_once_and_each_has_an_outcome(gateway: FakeGateway, ann: Hands) -> None:
    outcomes = [
        {"transaction_id": "tx-1", "status": 200, "state": "fraud", "undo_until": "2026-03-01T12:00:40Z"},
        {"transaction_id": "tx-2", "status": 409, "code": "case_held", "detail": "Take another one."},
    ]
    gateway.answers["POST", "/v1/reviews:decide"] = lambda request: {"results": outcomes}
    found = close(ann, [{"id": "tx-1"}, {"id": "tx-2"}])
    assert json.loads(gateway.asked[-1].content) == {
        "verdict": "fraud",
        "reason_code": "fraud_pattern",
        "note": "a ring",
        "transaction_ids": ["tx-1", "tx-2"],
    }
    text = json.dumps(found["reviews-outcomes"], ensure_ascii=False)
    assert "1 of 2 cases closed" in text
    assert text.index("⚠ Case held: Take another one.") < text.index("✓ Fraud")
    assert found["reviews-bulk"] == {"opened": False}
    assert found["reviews-grid"] == {"selectedRows": []}


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([], "fraud_pattern", "0 cases are selected"),
        ([{"id": f"tx-{number}"} for number in range(201)], "fraud_pattern", "201 cases are selected"),
        ([{"id": "tx-1"}], None, "A verdict wants a reason"),
        ("text", "fraud_pattern", "0 cases are selected"),
    ],
)
def test_what_cannot_be_closed_is_told_and_not_sent(
    gateway: FakeGateway, ann: Hands, rows: Any, code: Any, words: str
) -> None:
    found = close(ann, rows, code)
    assert words in notice(found)["title"]
    assert "reviews-bulk" not in found
    assert "/v1/reviews:decide" not in gateway.paths()


def test_what_the_gateway_refuses_is_told(gateway: FakeGateway, ann: Hands) -> None:
    gateway.answers["POST", "/v1/reviews:decide"] = lambda request: problem(
        403, "forbidden", "The key may not do this", "It lacks the scope reviews:write."
    )
    found = close(ann, [{"id": "tx-1"}])
    assert ann.status == 403
    assert notice(found)["title"] == "⚠ Your role may not do this"
    assert notice(found)["autoClose"] is False


def go_on(gateway: FakeGateway, ann: Hands, view: View, *pages: dict[str, Any]) -> Any:
    """pages: what the gateway tells one after the other."""
    left = list(pages)
    gateway.answers["GET", "/v1/reviews"] = lambda request: left.pop(0)
    return ann.press("reviews-next", view)


def test_from_the_queue_the_next_case_is_the_first_that_nobody_else_has(
    gateway: FakeGateway, ann: Hands
) -> None:
    held = queued("tx-1", held_by="user/bob")
    view = View("/reviews", "", {"decision": "review"})
    found = go_on(gateway, ann, view, page(held, queued("tx-2", held_by="user/ann")))
    assert found["url"] == {"pathname": "/reviews/tx-2", "search": "?decision=review"}


@pytest.mark.parametrize(
    ("sort", "cases", "following"),
    [
        ("expected_loss", [queued("a", score=0.9), queued("m"), queued("c"), queued("b", score=0.4)], "c"),
        ("expected_loss", [queued("a", score=0.9), queued("n"), queued("b", score=0.4)], "b"),
        (
            "age",
            [queued("z", decided_at="2018-06-01T01:00:00Z"), queued("m"), queued("n")],
            "n",
        ),
    ],
)
def test_from_a_case_it_is_the_first_after_it_in_the_order_of_the_queue(
    gateway: FakeGateway, ann: Hands, sort: str, cases: list[dict[str, Any]], following: str
) -> None:
    gateway.answers["GET", "/v1/reviews/m"] = lambda request: {"decision": queued("m")}
    found = go_on(gateway, ann, View("/reviews", "m", {"sort": sort}), page(*cases))
    assert found["url"]["pathname"] == f"/reviews/{following}"


def test_it_is_looked_for_on_the_following_pages_too(gateway: FakeGateway, ann: Hands) -> None:
    gateway.answers["GET", "/v1/reviews/m"] = lambda request: {"decision": queued("m")}
    pages = page(queued("a", score=0.9), more="two"), page(queued("b", score=0.1))
    found = go_on(gateway, ann, View("/reviews", "m", {}), *pages)
    assert found["url"] == {"pathname": "/reviews/b", "search": "?cursor=two"}


def test_after_the_last_one_that_is_told(gateway: FakeGateway, ann: Hands) -> None:
    gateway.answers["GET", "/v1/reviews/m"] = lambda request: {"decision": queued("m")}
    found = go_on(gateway, ann, View("/reviews", "m", {}), page(queued("m")))
    assert notice(found)["title"] == "That was the last one"
    assert "url" not in found


@pytest.mark.parametrize("rows", [None, 5, "x", {}, [], [{}], [5]])
@asked.looped
async def test_rows_that_are_none_close_nothing(rows: Any) -> None:
    asking, fake = asked.asking_of({})
    with pytest.raises(BadSetting, match="0 cases are selected"):
        await close_all(asking, rows, "fraud", "customer_denies", "")
    assert fake.asked == []


@pytest.mark.parametrize("until", [None, 5, "x", [], {}, [{}]])
def test_a_snooze_until_no_time_is_told_so(until: Any) -> None:
    with pytest.raises(BadSetting, match="a snooze wants a time"):
        finding_of("snooze", "waits_for_customer", "", until, NOW, UTC)
