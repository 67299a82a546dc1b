"""What is done with keys and people: asked of the gateway with a reason, and told what came of it."""

import json
from typing import Any

import httpx
import pytest

from dashboard.dialogs import Done
from dashboard.pages import key_actions, people
from dashboard.pages.keys import KEYS
from dashboard.pages.people import PEOPLE
from models.errors import BadSetting, GatewayProblem
from tests.unit.dashboard.asked import asking_of, ids_in, looped, said, session_of, view_at
from tests.unit.dashboard.fake_gateway import Answer

SECRET = "fsk_live_2hS7typIeJP_secret_q13o"
ROW = {"key_id": "2hS7typIeJP", "owner": "shop", "name": "till"}


class Kept:
    """Answers with the same, and keeps what it was asked."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def __call__(self, request: httpx.Request) -> Any:
        self.asked.append((request.url.raw_path.decode(), json.loads(request.content)))
        return self.answer


def _answers(path: str, kept: Kept) -> dict[tuple[str, str], Answer]:
    return {("POST", path): kept}


@looped
async def test_a_key_is_made_and_shown_in_its_dialog_alone() -> None:
    kept = Kept({**ROW, "key": SECRET})
    asking, _ = asking_of(_answers("/v1/keys", kept))
    done = await key_actions.create(asking, "shop", "till", ["stats:read"], 60, None, "new till")
    asked = {"owner": "shop", "name": "till", "scopes": ["stats:read"], "why": "new till"}
    assert kept.asked == [("/v1/keys", {**asked, "limit_per_minute": 60, "expires_days": None})]
    assert SECRET not in done.words
    assert [place for place, value in done.updates.items() if SECRET in said(value)] == [
        ("keys-secret", "children")
    ]


def test_only_what_the_maker_may_is_offered_for_a_key() -> None:
    page = KEYS.layout(view_at(), session_of("admin"))
    (offered,) = (each for each in page._traverse() if getattr(each, "id", None) == "keys-scopes")
    assert "make and revoke keys (keys:admin)" in said(offered)
    assert "score:write" not in said(offered)


@pytest.mark.parametrize(
    ("owner", "name", "scopes", "why"),
    [
        ("", "till", ["stats:read"], "x"),
        ("shop", "", ["stats:read"], "x"),
        ("shop", "till", [], "x"),
        ("shop", "till", ["stats:read"], " "),
    ],
)
@looped
async def test_a_key_wants_an_owner_a_name_scopes_and_a_reason(
    owner: str, name: str, scopes: list[str], why: str
) -> None:
    asking, fake = asking_of({})
    with pytest.raises(BadSetting):
        await key_actions.create(asking, owner, name, scopes, 100, 90, why)
    assert fake.asked == []


@pytest.mark.parametrize(
    ("limit", "days", "wrong"),
    [
        (None, 90, "requests a minute"),
        ("", 90, "requests a minute"),
        (0, 90, "requests a minute"),
        (True, 90, "requests a minute"),
        ([], 90, "requests a minute"),
        (100, 0, "days until it ends"),
        (100, -1, "days until it ends"),
        (100, "x", "days until it ends"),
        (100, [], "days until it ends"),
    ],
)
@looped
async def test_no_other_limit_or_end_is_taken_than_what_was_filled_in(
    limit: Any, days: Any, wrong: str
) -> None:
    asking, fake = asking_of({})
    with pytest.raises(BadSetting, match=f"{wrong} must be a whole number from 1 on"):
        await key_actions.create(asking, "shop", "till", ["stats:read"], limit, days, "x")
    assert fake.asked == []


@pytest.mark.parametrize("days", [None, ""])
@looped
async def test_a_key_whose_days_are_left_empty_has_no_end(days: Any) -> None:
    kept = Kept({**ROW, "key": SECRET})
    asking, _ = asking_of(_answers("/v1/keys", kept))
    await key_actions.create(asking, "shop", "till", ["stats:read"], 60, days, "x")
    assert kept.asked[0][1]["expires_days"] is None


@pytest.mark.parametrize("overlap", [None, "", -1, [], False])
@looped
async def test_a_key_is_not_rotated_without_an_overlap(overlap: Any) -> None:
    asking, fake = asking_of({})
    with pytest.raises(BadSetting, match="hours until the old one ends must be a whole number from 0 on"):
        await key_actions.rotate(asking, ROW, overlap, "x")
    assert fake.asked == []


@pytest.mark.parametrize("overlap", [0, 1])
@looped
async def test_a_key_is_rotated_with_an_overlap(overlap: int) -> None:
    kept = Kept({**ROW, "key": SECRET})
    asking, _ = asking_of(_answers("/v1/keys/2hS7typIeJP/rotate", kept))
    done = await key_actions.rotate(asking, ROW, overlap, "left in a log")
    assert kept.asked[0][1] == {"overlap_hours": overlap, "why": "left in a log"}
    assert SECRET in said(done.updates["keys-secret", "children"])


@looped
async def test_a_key_is_revoked_with_a_reason() -> None:
    kept = Kept(ROW)
    asking, _ = asking_of(_answers("/v1/keys/2hS7typIeJP/revoke", kept))
    assert await key_actions.revoke(asking, ROW, "stolen") == Done("The key shop/till was revoked.")
    assert kept.asked[0][1] == {"why": "stolen"}


@looped
async def test_a_row_that_a_browser_made_up_leads_nowhere_else() -> None:
    asking, fake = asking_of({})
    with pytest.raises(GatewayProblem):
        await key_actions.revoke(asking, {"key_id": "../users/ann/disable?"}, "x")
    assert fake.asked[0].url.raw_path == b"/v1/keys/..%2Fusers%2Fann%2Fdisable%3F/revoke"


@looped
async def test_somebody_is_let_in_with_a_password_that_was_typed_twice() -> None:
    kept = Kept({"name": "ann", "role": "analyst"})
    asking, _ = asking_of(_answers("/v1/users", kept))
    done = await people.create(asking, "ann", "analyst", "a long sentence", "a long sentence", "new")
    assert done == Done("ann may sign in as analyst.")
    wanted = {"name": "ann", "role": "analyst", "password": "a long sentence", "why": "new"}
    assert kept.asked == [("/v1/users", wanted)]


@pytest.mark.parametrize(
    ("name", "password", "again", "why", "said_of_it"),
    [
        ("", "a long sentence", "a long sentence", "x", "a name is wanted"),
        ("ann", "", "", "x", "a password is wanted"),
        ("ann", "a long sentence", "another one", "x", "differ"),
        ("ann", "a long sentence", "a long sentence", "", "a reason is wanted"),
    ],
)
@looped
async def test_what_is_missing_is_said_before_anything_is_asked(
    name: str, password: str, again: str, why: str, said_of_it: str
) -> None:
    asking, fake = asking_of({})
    with pytest.raises(BadSetting, match=said_of_it):
        await people.create(asking, name, "viewer", password, again, why)
    assert fake.asked == []


@looped
async def test_people_are_given_passwords_and_roles_and_shut_out() -> None:
    kept, row = Kept({"name": "ann b", "role": "viewer"}), {"name": "ann b"}
    path = "/v1/users/ann b"
    answers = (
        _answers(f"{path}/reset", kept) | _answers(f"{path}/role", kept) | _answers(f"{path}/disable", kept)
    )
    asking, _ = asking_of(answers)
    await people.reset(asking, row, "a long sentence", "a long sentence", "forgot it")
    assert (await people.give(asking, row, "viewer", "looks only")).words == "ann b is viewer."
    assert (await people.disable(asking, row, "has left")).words == "ann b is shut out."
    assert kept.asked == [
        ("/v1/users/ann%20b/reset", {"password": "a long sentence", "why": "forgot it"}),
        ("/v1/users/ann%20b/role", {"role": "viewer", "why": "looks only"}),
        ("/v1/users/ann%20b/disable", {"why": "has left"}),
    ]


@looped
async def test_what_is_wrong_with_a_field_is_said_where_the_gateway_names_it() -> None:
    refusal = {
        "type": "/problems/invalid_value",
        "title": "A field has a value that cannot be",
        "status": 422,
        "code": "invalid_value",
        "detail": "`errors` names the field and its bounds.",
        "errors": [{"field": "/limit_per_minute", "message": "at most 100000"}],
    }
    asking, _ = asking_of({("POST", "/v1/keys"): lambda request: httpx.Response(422, json=refusal)})
    with pytest.raises(GatewayProblem, match="/limit_per_minute: at most 100000"):
        await key_actions.create(asking, "shop", "till", ["stats:read"], 10**9, 90, "x")


def test_passwords_are_typed_twice_and_never_filled_in() -> None:
    fields = {
        each.id: each
        for each in PEOPLE.layout(view_at(), session_of("admin"))._traverse()
        if hasattr(each, "autoComplete")
    }
    assert {
        "people-password",
        "people-password-again",
        "people-reset-password",
        "people-reset-again",
    } <= fields.keys()
    assert all(fields[each].value == "" for each in fields if "password" in each)
    assert {"people-create-do", "people-reset-do", "people-role-do", "people-disable-do"} <= ids_in(
        PEOPLE.layout(view_at(), session_of("admin"))
    )
