"""Lists, followed alerts and counts of a gateway on a running system, where a model decides."""

import json
import uuid
from typing import Any

import httpx
import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import SOON_S
from tests.e2e.test_gateway import payment

pytestmark = pytest.mark.stack

FLAGGED = 95_000


def scored(caller: httpx.Client, *amounts: int, customer: str) -> list[dict[str, Any]]:
    """Answers to payments of a customer, in turn, once their rows are in the ledger."""
    return [_in_ledger(caller, payment(customer_id=customer, amount_minor=each)) for each in amounts]


def _in_ledger(caller: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """Asked again while the log alone holds the decision, as where the ledger did not answer in time."""

    def answered() -> dict[str, Any]:
        answer = caller.post("/v1/score", json=body)
        assert answer.status_code in (200, 202), answer.text
        return dict(answer.json()) if answer.status_code == 200 else {}

    return until(answered, within_s=SOON_S)


def somebody() -> str:
    return f"c-{uuid.uuid4().hex[:12]}"


def pages(caller: httpx.Client, path: str, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = caller.get(path, params=asked)
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        if page.json()["next_cursor"] is None:
            return found
        asked["cursor"] = page.json()["next_cursor"]


def test_decisions_are_listed_page_by_page_as_they_were_answered(caller: httpx.Client) -> None:
    customer = somebody()
    made = scored(caller, 1, 2, FLAGGED, 3, 4, customer=customer)
    assert pages(caller, "/v1/decisions", customer_id=customer, limit=2) == made[::-1]
    flagged = [each for each in made[::-1] if each["decision"] != "approve"]
    assert flagged
    alerts = pages(caller, "/v1/alerts", customer_id=customer, limit=1)
    assert [each["transaction_id"] for each in alerts] == [each["transaction_id"] for each in flagged]
    assert alerts[0].items() >= flagged[0].items()
    assert alerts[0]["amount_minor"] == FLAGGED


def test_a_listed_alert_is_the_one_that_subscribers_get(caller: httpx.Client, fraudml: CommandLine) -> None:
    customer = somebody()
    scored(caller, FLAGGED, customer=customer)
    [listed] = pages(caller, "/v1/alerts", customer_id=customer)

    def sent() -> list[Any]:
        lines = map(json.loads, fraudml.ok("alerts").stdout.splitlines())
        return [each for each in lines if each["alert_id"] == listed["alert_id"]]

    assert until(sent, within_s=SOON_S, every_s=0.5) == [listed]


def test_statistics_count_what_was_decided(caller: httpx.Client) -> None:
    def told() -> dict[str, Any]:
        found = caller.get("/v1/stats")
        assert found.status_code == 200, found.text
        return dict(found.json())

    before = told()
    scored(caller, 1, 2, FLAGGED, customer=somebody())
    after = told()
    assert after["decisions"] == before["decisions"] + 3
    assert sum(point["decisions"] for point in after["points"]) == after["decisions"]
    assert 0 < after["alert_rate"] < 1
    topics = {each["topic"] for each in after["partitions"]}
    assert topics == {"transactions", "labels"}
    assert all(each["lag"] is not None for each in after["partitions"])
    assert {each["variant"] for each in after["in_force"]["variants"]} == {"champion", "challenger"}
    assert after["unavailable"] == []


def test_how_long_decisions_took_is_told_of_both_paths_and_what_the_check_has_found(
    caller: httpx.Client,
) -> None:
    scored(caller, 1, customer=somebody())

    def told() -> dict[str, Any]:
        found: dict[str, Any] = caller.get("/v1/stats").json()
        return found

    def both() -> bool:
        return {each["path"] for each in told()["latency"]} == {"stream", "rest"}

    until(both, within_s=SOON_S, every_s=0.5)
    found = told()
    for each in found["latency"]:
        assert 0 < each["p50_s"] <= each["p95_s"] <= each["p99_s"]
    streamed = sum(
        cell[verdict]
        for point in found["points"]
        for cell in point["cells"]
        for verdict in ("approve", "review", "decline")
        if cell["path"] == "stream"
    )
    # A worker that another test has killed has lost at most a second's.
    assert 0.9 * streamed <= found["latency"][1]["count"] <= streamed
    assert until(lambda: told()["reconcile"], within_s=120, every_s=1)["findings"] == 0
