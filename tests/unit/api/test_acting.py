"""A key that acts for people: what it asks is their doing, within what their roles open."""

import pytest

from models.scopes import Key
from models.user import OPENS, OWNER, Role
from tests.unit.api.guarded import Caller, key_of


def person(name: str, role: Role) -> Key:
    return Key(key_id=f"{OWNER}-{name}", owner=OWNER, name=name, scopes=OPENS[role])


@pytest.fixture
def caller() -> Caller:
    """Presented: a key of a page, one of a till, and the tokens of two people."""
    return Caller(
        {
            "page": key_of(["users:act", "stats:read"], "page"),
            "till": key_of(["score:write", "reviews:write"]),
            "ann's": person("ann", "analyst"),
            "bob's": person("bob", "viewer"),
        },
        failures=2,
    )


def acting(caller: Caller, key: str, token: str, method: str, path: str) -> int:
    return caller.ask(method, path, key, token=token).status_code


def test_what_a_role_opens_is_open_and_nothing_else(caller: Caller) -> None:
    taking = ("POST", "/v1/reviews/tx-1/take")
    assert acting(caller, "page", "ann's", *taking) not in (401, 403)
    assert acting(caller, "page", "bob's", *taking) == 403
    assert acting(caller, "page", "bob's", "POST", "/v1/score") == 403


def test_a_key_that_may_not_act_for_people_does_not(caller: Caller) -> None:
    assert acting(caller, "till", "ann's", "POST", "/v1/reviews/tx-1/take") == 403


def test_a_token_of_nobody_is_401_and_no_failure_of_the_page(caller: Caller) -> None:
    for _ in range(5):
        assert acting(caller, "page", "nobody's", "GET", "/v1/stats") == 401
    assert acting(caller, "page", "ann's", "GET", "/v1/stats") not in (401, 403, 429)


def test_signing_people_in_is_not_for_them(caller: Caller) -> None:
    assert acting(caller, "page", "ann's", "POST", "/v1/sessions") == 403


def test_a_key_that_acts_for_nobody_has_no_session(caller: Caller) -> None:
    assert caller.ask("GET", "/v1/session", "page").status_code == 404
