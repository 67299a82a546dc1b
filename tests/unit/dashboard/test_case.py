"""A case: what is asked and shown of it, and what comes of each action."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from plotly.utils import PlotlyJSONEncoder

from api.examples import CASE_CONTEXT, CASE_VIEW
from api.shared_answers import SharedAnswers
from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.pace import Pace
from dashboard.page import Updates
from dashboard.pages import case
from dashboard.pages.reviews import REVIEWS
from dashboard.sessions import Session
from dashboard.view import View
from models.errors import GatewayProblem
from models.user import OPENS
from tests.unit.dashboard.conftest import NOW, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway, problem
from tests.unit.dashboard.pressing import Hands, notice

ANN = Session("ann", "analyst", OPENS["analyst"], "ann:1", 600)
VIC = Session("vic", "viewer", OPENS["viewer"], "vic:1", 600)
VIEW = View("/reviews", "tx-1", {"sort": "age"})
PATH = "/v1/reviews/tx-1"
OPEN_CASE: dict[str, Any] = {
    "transaction_id": "tx-1",
    "state": "open",
    "revision": 0,
    "held_by": None,
    "held_until": None,
    "escalated": False,
    "snoozed_until": None,
    "verdict": None,
    "reason_code": None,
    "decided_by": None,
    "undo_until": None,
}
SOON = "2026-03-01T12:10:00Z"
MINE = OPEN_CASE | {"state": "taken", "held_by": "user/ann", "held_until": SOON}
BOBS = MINE | {"held_by": "user/bob"}
SETTLED = OPEN_CASE | {
    "state": "fraud",
    "verdict": "fraud",
    "reason_code": "customer_denies",
    "decided_by": "user/ann",
    "undo_until": "2026-03-01T12:00:38Z",
}
VERDICTS = ("genuine", "fraud", "escalate", "snooze")
ROW = {
    "transaction_id": "tx-1",
    "customer_id": "c-1",
    "terminal_id": "t-1",
    "event_time": "2018-06-01T03:00:00Z",
    "amount_minor": 90_000,
    "decision": "review",
    "score": 0.51,
    "label": None,
    "after": False,
}
ENTITY: dict[str, Any] = {
    "id": "c-1",
    "normal": {
        "from": "2018-03-03T03:00:00Z",
        "to": "2018-06-01T03:00:00Z",
        "truncated": False,
        "transactions": 4,
        "transactions_per_active_day": 1.3333,
        "median_amount_minor": 2_950,
        "p95_amount_minor": 4_100,
        "largest_amount_minor": 4_200,
        "amount_percentile": 100.0,
        "hours": [0] * 9 + [2, 0, 1, 0, 0, 0, 0, 1] + [0] * 7,
        "known_frauds": 0,
    },
    "timeline": {
        "from": "2018-03-03T00:00:00Z",
        "to": "2018-06-02T00:00:00Z",
        "truncated": False,
        "days": [
            {"day": "2018-05-31", "transactions": 2, "amount_minor": 2_950, "alerts": 0, "frauds": 0},
            {"day": "2018-06-01", "transactions": 1, "amount_minor": 90_000, "alerts": 1, "frauds": 1},
        ],
        "rows": [
            ROW,
            ROW | {"transaction_id": "tx-0", "decision": "approve", "label": "genuine"},
            ROW | {"transaction_id": "tx-a/b", "decision": "decline", "label": "fraud"},
        ],
        "rows_left_out": 7,
    },
}
CONTEXT: dict[str, Any] = {
    "transaction_id": "tx-1",
    "thresholds": {"policy_version": "default-1", "review_at": 0.3, "decline_at": 0.8},
    "variants": [
        {
            "variant": variant,
            "model_name": "m",
            "model_version": "1",
            "score": score,
            "decision": decision,
            "decided": variant == "champion",
        }
        for variant, score, decision in (("champion", 0.51, "review"), ("challenger", 0.84, "decline"))
    ],
    "customer": ENTITY,
    "terminal": ENTITY,
    "unavailable": [],
}

Look = Callable[..., Updates]


@pytest.fixture
def look(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> Look:
    """What somebody sees of a case as it stands, and of what surrounds it."""

    def at(standing: Any, context: Any = CONTEXT, session: Session = ANN) -> Updates:
        gateway.answers["GET", PATH] = lambda request: CASE_VIEW | {"case": standing}
        gateway.answers["GET", f"{PATH}/context"] = lambda request: context

        async def ask() -> Updates:
            asking = Asking(client, SharedAnswers(clock), session, Pace(), lambda: NOW)
            return REVIEWS.show(await REVIEWS.ask(asking, VIEW), VIEW)

        return asyncio.run(ask())

    return at


@pytest.fixture
def ann(anybody: httpx.AsyncClient, gateway: FakeGateway) -> Hands:
    gateway.answers["GET", PATH] = lambda request: CASE_VIEW | {"case": MINE}
    return Hands(anybody, "ann")


def text_of(value: Any) -> str:
    return json.dumps(value, cls=PlotlyJSONEncoder, ensure_ascii=False)


def closed(found: Updates) -> set[str]:
    """The buttons that cannot be pressed."""
    names = ("take", "release", "undo", *VERDICTS)
    return {name for name in names if found[f"reviews-{name}", "disabled"]}


def operations(patch: Any) -> dict[tuple[Any, ...], Any]:
    """What a patch puts where."""
    return {
        (*each["location"], name): value
        for each in patch.to_plotly_json()["operations"]
        for name, value in (
            each["params"]["value"].items()
            if isinstance(each["params"]["value"], dict)
            else [("", each["params"]["value"])]
        )
    }


def test_a_case_that_nobody_has_can_be_taken_and_nothing_else(look: Look) -> None:
    found = look(OPEN_CASE)
    assert closed(found) == {"release", "undo", *VERDICTS}
    assert found["reviews-standing", "children"] == "Nobody has it. Take it to act on it."


def test_ones_own_case_can_be_decided(look: Look) -> None:
    found = look(MINE)
    assert closed(found) == {"undo"}
    assert found["reviews-standing", "children"] == "It is yours until 12:10."
    assert found["reviews-take", "children"] == "Take for longer (t)"


def test_of_anothers_case_is_told_who_has_it_and_until_when(look: Look) -> None:
    found = look(BOBS)
    assert closed(found) == {"take", "release", "undo", *VERDICTS}
    words = "bob has it until 12:10. You can act on it once it is free."
    assert found["reviews-standing", "children"] == words


def test_ones_own_verdict_can_be_undone_for_as_long_as_is_told(look: Look) -> None:
    found = look(SETTLED)
    assert closed(found) == {"take", "release", *VERDICTS}
    assert found["reviews-undo", "children"] == "Undo (u): 8 s left"
    assert found["reviews-standing", "children"] == "Settled by ann: Customer denies."


@pytest.mark.parametrize("changed", [{"decided_by": "user/bob"}, {"undo_until": "2026-03-01T12:00:30Z"}])
def test_no_other_verdict_can_be_undone(look: Look, changed: dict[str, str]) -> None:
    assert "undo" in closed(look(SETTLED | changed))


def test_a_case_that_a_label_settled_says_so(look: Look) -> None:
    found = look(OPEN_CASE | {"state": "genuine"})
    assert found["reviews-standing", "children"] == "Settled by a label from elsewhere."
    assert "take" in closed(found)


def test_who_only_looks_has_no_buttons_to_act(look: Look) -> None:
    found = look(OPEN_CASE, session=VIC)
    assert not [place for place in found if place[1] == "disabled"]
    assert found["reviews-standing", "children"] == "Nobody has it."
    layout = REVIEWS.layout(VIEW, VIC)
    names = {each.id for each in layout._traverse() if getattr(each, "id", None)}
    assert not names & {"reviews-take", "reviews-undo", "reviews-fraud", "reviews-fraud-confirm"}
    assert {"reviews-next", "reviews-back", "reviews-history"} <= names


def test_the_score_is_drawn_against_the_thresholds_and_told_in_words(look: Look) -> None:
    found = look(OPEN_CASE)
    put = operations(found["reviews-score", "figure"])
    assert [put["data", trace, "x", ""] for trace in range(3)] == [[0.3], [0.5], [pytest.approx(0.2)]]
    assert put["data", 4, "x"] == [0.84]
    words = "Score 0.513. Policy default-1, for this amount: review from 0.300, decline from 0.800."
    assert words in text_of(found["reviews-score-words", "children"])
    assert "The amount is 900.00 EUR; usual for this customer" in text_of(
        found["reviews-reasons", "children"]
    )


def test_without_the_policy_no_thresholds_are_drawn(look: Look) -> None:
    found = look(
        OPEN_CASE, CONTEXT | {"thresholds": None, "variants": [], "unavailable": ["policy", "models"]}
    )
    put = operations(found["reviews-score", "figure"])
    assert [put["data", trace, "x", ""] for trace in range(3)] == [[0.0]] * 3
    assert "thresholds are not known" in text_of(found["reviews-score-words", "children"])
    assert "No model can say: policy, models not available." in text_of(found["reviews-variants", "children"])


def test_what_the_gateway_gives_as_an_example_is_shown(look: Look) -> None:
    found = look(CASE_VIEW["case"], CASE_CONTEXT)
    assert "reviews-terminal-rows" in [component for component, _ in found]
    assert found["reviews-around", "children"] is None


def test_what_the_other_variant_says_stands_beside_what_decided(look: Look) -> None:
    text = text_of(look(OPEN_CASE)["reviews-variants", "children"])
    assert "champion ◆ decided this" in text
    assert "✕ decline" in text


def test_the_transaction_stands_beside_what_is_normal(look: Look) -> None:
    found = look(OPEN_CASE)
    text = text_of(found["reviews-normals", "children"])
    for words in ("29.50 EUR", "42.00 EUR", "100 %", "0 of 4", "1 that day", "03 h UTC", "4 since 03-03"):
        assert words in text, words
    put = operations(found["reviews-hours", "figure"])
    assert put["data", 2, "x"] == ["03"]


def test_a_customer_without_a_past_has_no_normal(look: Look) -> None:
    names = ("transactions_per_active_day", "median_amount_minor", "p95_amount_minor", "largest_amount_minor")
    nothing = (
        ENTITY["normal"]
        | dict.fromkeys((*names, "amount_percentile"))
        | {
            "transactions": 0,
            "hours": [0] * 24,
        }
    )
    text = text_of(
        look(OPEN_CASE, CONTEXT | {"customer": ENTITY | {"normal": nothing}})["reviews-normals", "children"]
    )
    assert "–" in text
    assert "None" not in text


def test_a_timeline_marks_alerts_frauds_and_this_one_by_day(look: Look) -> None:
    found = look(OPEN_CASE)
    put = operations(found["reviews-customer", "figure"])
    assert put["data", 0, "y"] == [2, 1]
    assert (put["data", 1, "x"], put["data", 1, "y"]) == (["2018-06-01"], [1])
    assert (put["data", 2, "x"], put["data", 3, "x"]) == (["2018-06-01"], ["2018-06-01"])
    words = "3 payments in 2 days; 1 reviews and declines, 1 frauds."
    assert found["reviews-customer-words", "children"] == words


def test_its_table_links_other_cases_and_says_what_it_leaves_out(look: Look) -> None:
    text = text_of(look(OPEN_CASE)["reviews-terminal-rows", "children"])
    assert "★ this one" in text
    assert '"href": "/reviews/tx-a%2Fb?sort=age"' in text
    assert "/reviews/tx-0" not in text
    assert "7 more are not listed." in text


def test_where_its_surroundings_cannot_be_had_the_case_is_shown_all_the_same(look: Look) -> None:
    found = look(MINE, problem(503, "unavailable", "A dependency does not answer"))
    assert closed(found) == {"undo"}
    assert "A dependency does not answer" in text_of(found["reviews-around", "children"])
    assert ("reviews-normals", "children") not in found


def test_a_case_does_not_wait_for_its_surroundings(
    client: GatewayClient, gateway: FakeGateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case, "WAITS_S", 0.0)
    gateway.answers["GET", PATH] = lambda request: CASE_VIEW | {"case": MINE}
    gateway.answers["GET", f"{PATH}/context"] = lambda request: CONTEXT

    async def twice() -> list[Any]:
        asking = Asking(client, SharedAnswers(clock), ANN, Pace(), lambda: NOW)
        first = await REVIEWS.ask(asking, VIEW)
        monkeypatch.setattr(case, "WAITS_S", 5.0)
        return [first["around"], (await REVIEWS.ask(asking, VIEW))["around"]]

    assert asyncio.run(twice()) == [None, CONTEXT]


def test_a_case_that_there_is_not_is_told_so(client: GatewayClient, clock: Clock) -> None:
    asking = Asking(client, SharedAnswers(clock), ANN, Pace(), lambda: NOW)

    async def ask() -> None:
        await REVIEWS.ask(asking, VIEW)

    with pytest.raises(GatewayProblem, match="There is no such thing"):
        asyncio.run(ask())


@pytest.mark.parametrize("action", ["take", "release", "undo"])
def test_a_button_asks_the_gateway_and_the_case_is_read_again(
    gateway: FakeGateway, ann: Hands, action: str
) -> None:
    gateway.answers["POST", f"{PATH}/{action}"] = lambda request: MINE
    found = ann.press(f"reviews-{action}", VIEW)
    assert gateway.paths()[-2:] == [f"{PATH}/{action}", PATH]
    assert found["reviews-state"]["children"] == "● Taken"
    assert found["reviews-fraud"]["disabled"] is False
    assert notice(found)["color"] == "teal"


@pytest.mark.parametrize(
    ("verdict", "code", "until", "sent"),
    [
        ("genuine", "customer_confirms", None, {}),
        ("fraud", "account_taken_over", None, {}),
        ("escalate", "second_opinion", None, {}),
        ("snooze", "awaiting_bank", "4h", {"until": "2026-03-01T16:00:30+00:00"}),
        ("snooze", "awaiting_bank", "tomorrow", {"until": "2026-03-02T08:00:00+00:00"}),
        ("snooze", "awaiting_bank", "3d", {"until": "2026-03-04T12:00:30+00:00"}),
    ],
)
def test_a_verdict_goes_with_its_reason_and_note(
    gateway: FakeGateway, ann: Hands, verdict: str, code: str, until: Any, sent: dict[str, str]
) -> None:
    gateway.answers["POST", f"{PATH}/decide"] = lambda request: SETTLED
    fields = {f"{verdict}_code": code, f"{verdict}_note": "seen", "snooze_until": until}
    found = ann.press(f"reviews-{verdict}-confirm", VIEW, **fields)
    asked = next(each for each in gateway.asked if each.url.path == f"{PATH}/decide")
    assert json.loads(asked.content) == {"verdict": verdict, "reason_code": code, "note": "seen"} | sent
    assert found[f"reviews-{verdict}-modal"] == {"opened": False}


def test_tomorrow_is_of_the_zone_that_is_shown(gateway: FakeGateway, ann: Hands) -> None:
    gateway.answers["POST", f"{PATH}/decide"] = lambda request: MINE
    view = VIEW._replace(query={"tz": "local"}, zone="Asia/Tokyo")
    ann.press("reviews-snooze-confirm", view, snooze_code="awaiting_bank", snooze_until="tomorrow")
    asked = next(each for each in gateway.asked if each.url.path == f"{PATH}/decide")
    assert json.loads(asked.content)["until"] == "2026-03-02T08:00:00+09:00"


@pytest.mark.parametrize(
    ("button", "fields", "words"),
    [
        ("reviews-fraud-confirm", {}, "⚠ A verdict wants a reason"),
        (
            "reviews-snooze-confirm",
            {"snooze_code": "awaiting_bank", "snooze_until": "never"},
            "⚠ A snooze wants a time",
        ),
    ],
)
def test_a_verdict_without_what_it_rests_on_is_not_sent(
    gateway: FakeGateway, ann: Hands, button: str, fields: dict[str, Any], words: str
) -> None:
    found = ann.press(button, VIEW, **fields)
    assert notice(found)["title"] == words
    assert f"{PATH}/decide" not in gateway.paths()
    assert not [name for name in found if name.endswith("-modal")]


def test_a_conflict_is_told_and_the_case_is_read_again(gateway: FakeGateway, ann: Hands) -> None:
    gateway.answers["GET", PATH] = lambda request: CASE_VIEW | {"case": BOBS}
    gateway.answers["POST", f"{PATH}/decide"] = lambda request: problem(
        409, "case_not_held", "The case is not yours.", "Take it first."
    )
    found = ann.press("reviews-fraud-confirm", VIEW, fraud_code="customer_denies")
    assert (notice(found)["title"], notice(found)["message"]) == (
        "⚠ The case is not yours.",
        "Take it first.",
    )
    assert found["reviews-standing"]["children"].startswith("bob has it until")
    assert found["reviews-fraud"]["disabled"] is True
    assert found["reviews-fraud-modal"] == {"opened": False}


def test_what_the_gateway_does_not_take_can_be_mended_and_sent_again(
    gateway: FakeGateway, ann: Hands
) -> None:
    gateway.answers["POST", f"{PATH}/decide"] = lambda request: problem(
        422, "missing_field", "A field is missing.", "note: `other` wants it said in words"
    )
    found = ann.press("reviews-fraud-confirm", VIEW, fraud_code="other")
    assert "wants it said in words" in notice(found)["message"]
    assert "reviews-fraud-modal" not in found


def test_while_the_gateway_is_away_an_action_says_so(gateway: FakeGateway, ann: Hands) -> None:
    gateway.answers["POST", f"{PATH}/take"] = lambda request: problem(
        503, "unavailable", "It does not answer"
    )
    gateway.answers["GET", PATH] = lambda request: problem(503, "unavailable", "It does not answer")
    assert notice(ann.press("reviews-take", VIEW))["title"] == "⚠ It does not answer"


def test_nothing_is_done_where_nothing_was_pressed(gateway: FakeGateway, ann: Hands) -> None:
    for button in ("reviews-take", "reviews-fraud-confirm", "reviews-next", "reviews-bulk-confirm"):
        assert ann.press(button, VIEW, clicks=None) == {}
    assert not [each for each in gateway.asked if each.url.path.startswith("/v1/reviews")]


def test_an_action_without_a_case_is_told_so(gateway: FakeGateway, ann: Hands) -> None:
    assert notice(ann.press("reviews-take", View("/reviews", "", {})))["title"] == "⚠ No case is open"
