"""The gateway on a running system, as a caller meets it."""

import json
import socket
import uuid
from contextlib import suppress
from typing import Any

import httpx
import pytest

from deploy.stack.waiting import until
from models.path_segment import as_segment
from models.scopes import SCOPES
from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import SOON_S, made_key, wait_until_known, words_of
from tests.unit.api.guarded import guarded_routes

pytestmark = pytest.mark.stack


def payment(**changed: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"rest-{uuid.uuid4()}",
        "customer_id": "demo-c1",
        "terminal_id": "demo-t1",
        "amount_minor": 90_000,
        "currency": "EUR",
        "event_time": "2018-06-01T03:00:00Z",
    } | changed


def test_the_same_question_has_the_same_bytes_by_every_path(
    caller: httpx.Client, fraudml: CommandLine
) -> None:
    asked = payment()
    first = caller.post("/v1/score", json=asked)
    assert (first.status_code, first.json()["path"]) == (200, "rest")
    assert all(caller.post("/v1/score", json=asked).content == first.content for _ in range(5))
    assert caller.get(f"/v1/decisions/{asked['transaction_id']}").content == first.content
    shown = fraudml.json("decisions", "get", asked["transaction_id"])
    assert shown.items() >= first.json().items()


@pytest.mark.slow
def test_its_record_is_claimed_and_the_alert_is_out_once(caller: httpx.Client, fraudml: CommandLine) -> None:
    asked = payment(amount_minor=95_000)
    answer = caller.post("/v1/score", json=asked).json()
    assert answer["decision"] != "approve"

    def alerts() -> list[Any]:
        lines = fraudml.ok("alerts").stdout.splitlines()
        found = map(json.loads, lines)
        return [each for each in found if each["transaction_id"] == asked["transaction_id"]]

    found = until(alerts, within_s=SOON_S, every_s=0.5)
    assert found is not None
    assert [each["score"] for each in found] == [answer["score"]]
    fraudml.ok("reconcile")


def test_another_body_under_a_known_id_is_a_conflict(caller: httpx.Client) -> None:
    asked = payment()
    caller.post("/v1/score", json=asked)
    refused = caller.post("/v1/score", json=asked | {"amount_minor": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "other_body")
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.slow
def test_what_is_handed_to_the_stream_is_decided_by_it(caller: httpx.Client) -> None:
    one, two, wrong = payment(), payment(), payment(currency="SEK")
    assert caller.post("/v1/transactions", json=one).status_code == 202
    batch = caller.post("/v1/transactions:batch", json=[two, wrong]).json()["results"]
    assert [each["status"] for each in batch] == [202, 422]
    for asked in (one, two):
        where = f"/v1/decisions/{asked['transaction_id']}"
        until(lambda where=where: caller.get(where).status_code == 200, within_s=SOON_S, every_s=0.2)  # type: ignore[misc]
        assert caller.get(where).json()["path"] == "stream"


def test_a_label_is_taken(caller: httpx.Client) -> None:
    asked = payment()
    caller.post("/v1/score", json=asked)
    label = {
        "label_id": f"label-{uuid.uuid4()}",
        "transaction_id": asked["transaction_id"],
        "customer_id": asked["customer_id"],
        "label": "genuine",
        "source": "report",
        "version": 1,
        "event_time": "2018-06-08T03:00:00Z",
    }
    assert caller.post("/v1/labels", json=label).status_code == 202
    assert caller.post("/v1/labels", json=label | {"verdict": 1}).json()["code"] == "unknown_field"


def key_without(caller: httpx.Client, scope: str) -> str:
    """A key with all other scopes."""
    others = [each for each in SCOPES if each != scope]
    asked = {"owner": "tests", "name": f"no {scope}", "scopes": others, "limit_per_minute": 10_000}
    return str(caller.post("/v1/keys", json=asked).json()["key"])


def test_no_route_opens_without_a_key_or_without_its_scope(gateway: str, caller: httpx.Client) -> None:
    with httpx.Client(base_url=gateway, timeout=10) as anybody:
        # By the scope that a key lacks; it has all others.
        keys: dict[str, str] = {scope: key_without(caller, scope) for scope in SCOPES}
        for key in keys.values():
            wait_until_known(gateway, key)
        for route in guarded_routes():
            for scope in route.scopes:
                for presented in ({}, {"X-API-Key": "fsk_live_nobodys"}):
                    none = anybody.request(route.method, route.filled, headers=presented)
                    assert (none.status_code, none.headers["www-authenticate"]) == (401, "APIKey"), route
                found = anybody.request(route.method, route.filled, headers={"X-API-Key": keys[scope]})
                assert (found.status_code, found.json()["code"]) == (403, "forbidden"), route


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    caller: httpx.Client, gateway: str, fraudml: CommandLine
) -> None:
    """Over both processes together."""
    key = made_key(fraudml, "decisions:read", limit=5)
    with httpx.Client(base_url=gateway, headers={"X-API-Key": key}, timeout=10) as client:
        answered: list[httpx.Response] = []

        def ask() -> bool:
            found = client.get("/v1/decisions/none")
            answered.extend([found] if found.status_code != 401 else [])
            return found.status_code == 429

        until(ask, within_s=SOON_S, every_s=0.05)
        for _ in range(40):
            ask()
    passed = [each for each in answered if each.status_code == 404]
    refused = [each for each in answered if each.status_code == 429]
    assert len(passed) == 5
    assert refused
    assert all(1 <= int(each.headers["Retry-After"]) <= 60 for each in refused)
    assert refused[0].headers["RateLimit-Policy"] == '"key";q=5;w=60'


def test_a_card_number_is_refused_by_both_paths(caller: httpx.Client) -> None:
    for name in ("transaction_id", "customer_id", "terminal_id"):
        for path in ("/v1/score", "/v1/transactions"):
            refused = caller.post(path, json=payment(**{name: "4111 1111 1111 1111"}))
            assert (refused.status_code, refused.json()["code"]) == (422, "card_number")
            assert "4111" not in words_of(refused)
    label = {
        "label_id": "4111111111111111",
        "transaction_id": "tx",
        "customer_id": "c",
        "label": "fraud",
        "source": "report",
        "version": 1,
        "event_time": "2018-06-08T03:00:00Z",
    }
    assert caller.post("/v1/labels", json=label).json()["code"] == "card_number"
    named = caller.get("/v1/decisions/none", headers={"X-Request-ID": "4111111111111111"})
    assert named.headers["x-request-id"] != "4111111111111111"


def test_an_id_that_cannot_be_is_not_found(caller: httpx.Client) -> None:
    for name in ("%00", "a%0Ab", "x" * 65):
        assert caller.get(f"/v1/decisions/{name}").status_code == 404


@pytest.mark.parametrize("name", ["a/b", "..", "a/take", "a?b#c%2F"])
def test_a_strange_id_is_looked_up_quoted_as_one_segment(caller: httpx.Client, name: str) -> None:
    asked = payment(transaction_id=name)
    scored = caller.post("/v1/score", json=asked)
    assert scored.status_code == 200
    where = caller.post("/v1/transactions", json=asked).headers["location"]
    assert where == f"/v1/decisions/{as_segment(name)}"
    assert caller.get(where).content == scored.content


def test_unknown_paths_and_methods_are_problems_too(caller: httpx.Client) -> None:
    unknown, other = caller.get("/v1/nothing"), caller.put("/v1/score")
    for answer, code in ((unknown, "not_found"), (other, "method_not_allowed")):
        assert answer.json()["code"] == code
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        page = caller.get(answer.json()["type"])
        assert (page.status_code, code in page.text) == (200, True)


def test_metrics_are_those_of_all_processes(caller: httpx.Client) -> None:
    asked = [payment() for _ in range(20)]
    before = _decided(caller)
    for each in asked:
        caller.post("/v1/score", json=each)
    assert _decided(caller) - before == len(asked)


def _decided(caller: httpx.Client) -> float:
    lines = caller.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("fraud_predictions_total{"))


def test_a_head_without_end_is_not_kept(gateway: str) -> None:
    place = httpx.URL(gateway)
    with socket.create_connection((place.host, place.port or 80), timeout=10) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ")
        with suppress(OSError):
            for _ in range(200):
                line.sendall(b"x" * 10_000)
        with suppress(ConnectionResetError):
            assert line.recv(1000).startswith(b"HTTP/1.1 400 ")
            assert line.recv(1000) == b""
