"""Every route that the OpenAPI document has, and every scope: nothing opens without a key, nor with a wrong
one."""

import pytest

from models.scopes import SCOPES
from tests.unit.api.described import routes
from tests.unit.api.guarded import Caller, Guarded, guarded_routes, key_of

ROUTES = list(guarded_routes())
CLOSED = [route for route in ROUTES if route.scopes]
OPEN = [route for route in ROUTES if not route.scopes]


@pytest.fixture(scope="module")
def caller() -> Caller:
    """With a key of each scope, which is called like it."""
    return Caller({scope: key_of([scope]) for scope in SCOPES})


def name_of(route: Guarded) -> str:
    return f"{route.method} {route.path}"


def test_the_document_has_every_route_and_all_but_the_probes_are_closed() -> None:
    assert {(route.method.lower(), route.path) for route in ROUTES} == routes().keys()
    assert all(route.path.startswith("/v1/") for route in CLOSED)
    assert {route.path for route in OPEN} == {
        "/healthz",
        "/readyz",
        "/version",
        "/metrics",
        "/problems/{code}",
    }


@pytest.mark.parametrize("route", CLOSED, ids=name_of)
def test_without_a_key_that_holds_it_answers_401(caller: Caller, route: Guarded) -> None:
    for key in (None, "", "fsk_live_nobodys"):
        refused = caller.ask(route.method, route.filled, key)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert refused.headers["www-authenticate"] == "APIKey"


@pytest.mark.parametrize("route", CLOSED, ids=name_of)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_what_it_is_for_and_nothing_else(caller: Caller, route: Guarded, scope: str) -> None:
    answer = caller.ask(route.method, route.filled, scope)
    if scope in route.scopes:
        assert answer.status_code not in (401, 403)
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert any(wanted in answer.json()["detail"] for wanted in route.scopes)


@pytest.mark.parametrize("route", OPEN, ids=name_of)
def test_a_probe_asks_for_no_key(caller: Caller, route: Guarded) -> None:
    assert caller.ask(route.method, route.filled).status_code not in (401, 403)


def test_every_scope_opens_something() -> None:
    assert set(SCOPES) == {scope for route in CLOSED for scope in route.scopes}


def test_another_method_is_told_all_that_a_path_has(caller: Caller) -> None:
    refused = caller.ask("DELETE", "/v1/keys", None)
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, POST"
