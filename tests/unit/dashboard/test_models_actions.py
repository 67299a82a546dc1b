"""What administrators do on the page Models: what is said before, what is sent, what is told after."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.examples import POLICY, PROMOTION
from dashboard.asking import Asking
from dashboard.dialogs import failure
from dashboard.gateway import GatewayClient
from dashboard.model_cards.acting import consequence, done, fields_of, known_of
from dashboard.model_cards.forms import ACTIVATE, FORMS, PROMOTE, ROLLBACK, SHARES, Form
from models.errors import BadSetting, Forbidden, FraudError, GatewayProblem, GatewayUnavailable
from tests.unit.dashboard.conftest import NOW, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway, problem
from tests.unit.dashboard.model_answers import ADA, ANSWERS, asking_of, shown, tell, text_of

WHY = "seen by the fraud desk"
CHOSEN = {"version": "FraudDetection_XGBoost@2", "alias": "as the split has it", "why": WHY}
HALVES = {"share:champion": 50, "share:challenger": 50.0, "version": "halves", "why": WHY}


@pytest.fixture
def asking(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> Asking:
    tell(gateway)
    return asking_of(client, clock, ADA)


def sent(gateway: FakeGateway) -> tuple[str, Any]:
    last = [each for each in gateway.asked if each.method == "POST"][-1]
    return last.url.raw_path.decode(), json.loads(last.content)


@pytest.mark.parametrize(
    ("form", "fields", "path", "document", "answer", "words"),
    [
        (
            PROMOTE,
            CHOSEN,
            "/v1/models/FraudDetection_XGBoost/promote",
            {"version": "2", "alias": None, "why": WHY},
            {**PROMOTION, "notes": ["it decides nothing"]},
            "FraudDetection_XGBoost as champion: 1 → 2. It decides nothing.",
        ),
        (
            ROLLBACK,
            {"model": "FraudDetection_XGBoost", "alias": "challenger", "why": f" {WHY} "},
            "/v1/models/FraudDetection_XGBoost/rollback",
            {"alias": "challenger", "why": WHY},
            {**PROMOTION, "notes": []},
            "FraudDetection_XGBoost as champion: 1 → 2.",
        ),
        (
            SHARES,
            HALVES,
            "/v1/ab",
            {"version": "halves", "weights": {"champion": 0.5, "challenger": 0.5}, "why": WHY},
            {"before": "default-1", "in_force": "halves", "ab": {}},
            "halves is in force in place of default-1.",
        ),
        (
            ACTIVATE,
            {"version": "may-1", "why": WHY},
            "/v1/policies/may-1/activate",
            {"why": WHY},
            {"before": "default-1", "in_force": "may-1"},
            "may-1 is in force in place of default-1.",
        ),
    ],
)
def test_an_order_is_sent_as_it_was_filled_in_and_its_outcome_told(
    gateway: FakeGateway,
    asking: Asking,
    form: Form,
    fields: Any,
    path: str,
    document: Any,
    answer: Any,
    words: str,
) -> None:
    gateway.answers["POST", path] = lambda request: answer
    assert asyncio.run(done(asking, form, fields)) == words
    assert sent(gateway) == (path, document)


@pytest.mark.parametrize(
    ("form", "fields", "words"),
    [
        (PROMOTE, {**CHOSEN, "why": "  "}, "a reason is wanted"),
        (PROMOTE, {**CHOSEN, "why": None}, "a reason is wanted"),
        (PROMOTE, {**CHOSEN, "version": None}, "a version is wanted"),
        (PROMOTE, {}, "a version is wanted"),
        (ROLLBACK, {"why": WHY}, "a model is wanted"),
        (ACTIVATE, {"version": ["tampered"], "why": WHY}, "a policy is wanted"),
        (SHARES, {**HALVES, "why": ""}, "a reason is wanted"),
        (SHARES, {**HALVES, "version": ""}, "a name for the new split is wanted"),
        (SHARES, {**HALVES, "share:champion": 60}, "the shares are not those of all customers"),
        (SHARES, {**HALVES, "share:champion": ""}, "the share of champion is wanted"),
        (SHARES, {**HALVES, "share:champion": -1}, "the share of champion is wanted"),
    ],
)
def test_what_is_missing_is_told_and_nothing_is_sent(
    gateway: FakeGateway, asking: Asking, form: Form, fields: Any, words: str
) -> None:
    with pytest.raises(BadSetting, match=words):
        asyncio.run(done(asking, form, fields))
    assert gateway.asked == []


def test_a_name_stays_one_part_of_the_path(gateway: FakeGateway, asking: Asking) -> None:
    with pytest.raises(GatewayProblem):
        asyncio.run(done(asking, ACTIVATE, {"version": "../keys?x=1", "why": WHY}))
    assert sent(gateway)[0] == "/v1/policies/..%2Fkeys%3Fx%3D1/activate"


@pytest.mark.parametrize(
    ("answer", "kind", "title"),
    [
        (
            problem(403, "forbidden", "The key may not do this"),
            Forbidden,
            "▲ Not done: your role may not do this",
        ),
        (problem(409, "misuse", "It cannot be done"), GatewayProblem, "▲ Not done: It cannot be done"),
        (
            problem(503, "no_time_left", "No answer in time"),
            GatewayUnavailable,
            "▲ Nobody knows whether it is done",
        ),
    ],
)
def test_a_refusal_is_told_and_so_is_an_outcome_that_nobody_knows(
    gateway: FakeGateway, asking: Asking, answer: httpx.Response, kind: type[FraudError], title: str
) -> None:
    gateway.answers["POST", "/v1/policies/may-1/activate"] = lambda request: answer
    with pytest.raises(kind) as caught:
        asyncio.run(done(asking, ACTIVATE, {"version": "may-1", "why": WHY}))
    assert text_of(failure(caught.value)).startswith(title)


def test_after_an_action_everything_that_it_changes_is_asked_anew(
    gateway: FakeGateway, asking: Asking
) -> None:
    gateway.answers["POST", "/v1/policies/may-1/activate"] = lambda request: {"before": "a", "in_force": "b"}
    shown(asking)
    before = gateway.paths().count("/v1/models")
    asyncio.run(done(asking, ACTIVATE, {"version": "may-1", "why": WHY}))
    shown(asking)
    assert before == 1
    for path in set(ANSWERS) - {"/v1/decisions"}:
        assert gateway.paths().count(path) == 2, path


@pytest.mark.parametrize(
    ("form", "fields", "words"),
    [
        (PROMOTE, CHOSEN, "v2 stands behind champion already: nothing will change."),
        (
            PROMOTE,
            {**CHOSEN, "version": "FraudDetection_XGBoost@1"},
            "v1 of FraudDetection_XGBoost will be champion, in place of v2, which becomes previous. "
            "It will decide for champion, 80.00% of the customers.",
        ),
        (
            PROMOTE,
            {**CHOSEN, "alias": "challenger"},
            "v2 of FraudDetection_XGBoost will be challenger, where nothing stood before. "
            "No variant of the split uses it as challenger: it will decide nothing.",
        ),
        (
            ROLLBACK,
            {"model": "FraudDetection_XGBoost"},
            "v1 of FraudDetection_XGBoost will be champion again, in place of v2.",
        ),
        (
            ROLLBACK,
            {"model": "FraudDetection_LightGBM"},
            "No promotion on record replaced a version behind challenger",
        ),
        (
            SHARES,
            HALVES,
            "champion 80.00% → 50.00%, challenger 20.00% → 50.00%. "
            "At least 30.00% of the customers will be decided by another variant",
        ),
        (SHARES, {**HALVES, "share:champion": 80, "share:challenger": 20}, "These are the shares in force"),
    ],
)
def test_what_will_happen_is_said_before(asking: Asking, form: Form, fields: Any, words: str) -> None:
    assert asyncio.run(consequence(asking, form, fields)).startswith(words)


def test_what_another_policy_changes_is_said_before(gateway: FakeGateway, asking: Asking) -> None:
    other = {
        **POLICY,
        "version": "june-1",
        "bands": [{"amount_minor": 0, "review_at": 0.2, "decline_at": 0.7}],
    }

    def policies(request: httpx.Request) -> Any:
        asked = request.url.params.get("version")
        return {**ANSWERS["/v1/policies"], "policy": other if asked == "june-1" else POLICY}

    tell(gateway, policies=policies)
    said = asyncio.run(consequence(asking, ACTIVATE, {"version": "june-1"}))
    assert said.startswith("june-1 will be in force in place of may-1, for every variant")
    assert "review from 0.1 to 0.3 by amount → 0.2, decline from 0.5 to 0.8 by amount → 0.7" in said


def test_a_model_that_the_split_does_not_use_wants_an_alias(asking: Asking) -> None:
    with pytest.raises(BadSetting, match="by 0 aliases"):
        asyncio.run(consequence(asking, ROLLBACK, {"model": "FraudDetection_CatBoost"}))


@pytest.mark.parametrize("form", FORMS)
def test_every_dialog_wants_a_reason_and_names_its_fields(asking: Asking, form: Form) -> None:
    fields = form.fields(asyncio.run(known_of(asking, form)), NOW)
    assert all(each.label for each in fields)
    assert fields[-1].label == "Why"
    assert fields[-1].required


def test_shares_are_offered_as_they_are_under_a_new_name(asking: Asking) -> None:
    fields = SHARES.fields(asyncio.run(known_of(asking, SHARES)), NOW)
    told = fields_of([getattr(each, "value", None) for each in fields], [each.id for each in fields])
    assert told == {
        "share:champion": 80.0,
        "share:challenger": 20.0,
        "version": "split-2026-03-01-1200",
        "why": "",
    }


def test_a_dialog_that_cannot_be_made_says_why(gateway: FakeGateway, asking: Asking) -> None:
    tell(gateway, models=lambda request: problem(503, "unavailable", "MLflow is away"))
    with pytest.raises(GatewayUnavailable, match="MLflow is away"):
        asyncio.run(known_of(asking, PROMOTE))


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (5, [{"models-promote": "why"}]),
        ("x", [{"models-promote": "why"}]),
        (None, None),
        (["x"], 5),
        (["x"], "x"),
        (["x"], ["x"]),
        (["x"], [{}]),
        (["x"], []),
    ],
)
def test_fields_that_are_none_are_told_so(values: Any, ids: Any) -> None:
    with pytest.raises(BadSetting, match="these fields cannot be read"):
        fields_of(values, ids)
