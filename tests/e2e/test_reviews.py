"""Two analysts and their cases on a running system: who takes one has it, a verdict comes back as a label."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from deploy.stack.waiting import until
from models.scopes import SCOPES
from streams.kafka import reader_config
from streams.log_reader import LogReader
from streams.settings import Settings
from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import known_key, running_gateway, words_of

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SOON_S = 30.0
# Long enough to undo within, short enough to wait for.
UNDO_S = 3.0
ANALYST = ("decisions:read", "reviews:write")
FRAUD = {"verdict": "fraud", "reason_code": "customer_denies", "note": "Denied on the phone."}


@pytest.fixture(scope="module")
def gateway(fraudml: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {"FRAUDML_REVIEW_UNDO_S": str(UNDO_S)}
    with running_gateway(fraudml, tmp_path_factory.mktemp("reviews") / "log", settings) as address:
        yield address


@contextmanager
def asking(gateway: str, fraudml: CommandLine, *scopes: str, name: str = "") -> Iterator[httpx.Client]:
    """With a key that both processes of the gateway have heard of."""
    headers = {"X-API-Key": known_key(fraudml, gateway, *scopes, name=name)}
    with httpx.Client(base_url=gateway, headers=headers, timeout=10) as client:
        yield client


@pytest.fixture(scope="module")
def ann(gateway: str, fraudml: CommandLine) -> Iterator[httpx.Client]:
    with asking(gateway, fraudml, *ANALYST, name="ann") as client:
        yield client


@pytest.fixture(scope="module")
def bob(gateway: str, fraudml: CommandLine) -> Iterator[httpx.Client]:
    with asking(gateway, fraudml, *ANALYST, name="bob") as client:
        yield client


@pytest.fixture(scope="module")
def shop(gateway: str, fraudml: CommandLine) -> Iterator[httpx.Client]:
    with asking(gateway, fraudml, "score:write", "labels:write", "decisions:read") as client:
        yield client


def case(shop: httpx.Client) -> str:
    """A payment that somebody must look at; it costs more than all others."""
    name = f"case-{uuid.uuid4()}"
    payment = {
        "transaction_id": name,
        "customer_id": "demo-c1",
        "terminal_id": "demo-t1",
        "amount_minor": 9_000_000,
        "currency": "EUR",
        "event_time": "2018-06-01T03:00:00Z",
    }
    answer = until(lambda: _decided(shop, payment), within_s=SOON_S, every_s=0.2)
    assert answer is not None
    assert answer["decision"] != "approve"
    return name


def _decided(shop: httpx.Client, payment: dict[str, Any]) -> dict[str, Any] | None:
    """Asked again where there was no answer in time."""
    answer = shop.post("/v1/score", json=payment)
    return answer.json() if answer.status_code == 200 else None


def queue(client: httpx.Client, **asked: Any) -> list[str]:
    told = client.get("/v1/reviews", params=asked)
    assert told.status_code == 200, told.text
    return [each["transaction_id"] for each in told.json()["items"]]


def act(client: httpx.Client, name: str, action: str, **body: Any) -> httpx.Response:
    return client.post(f"/v1/reviews/{name}/{action}", json=body or None)


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def labels_of(client: httpx.Client, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/v1/reviews/{name}").json()["labels"]
    return found


def in_kafka(settings: Settings, name: str) -> list[dict[str, Any]]:
    """Labels of a transaction on the topic, in the order in which they came."""
    with closing(LogReader(reader_config(settings, settings.group_id), settings.kafka_timeout_s)) as log:
        ends = {number: end for number, (_, end) in log.ends(settings.labels_topic).items()}
        records = [each for batch in log.read(settings.labels_topic, ends) for each in batch]
    documents = [json.loads(each.value()) for each in records]
    return [each for each in documents if each.get("transaction_id") == name]


def test_of_two_analysts_one_has_the_case_and_the_verdict_comes_back_as_a_label(
    shop: httpx.Client, ann: httpx.Client, bob: httpx.Client, fraudml: CommandLine
) -> None:
    name = case(shop)
    assert name in queue(ann, limit=200)
    taken = act(ann, name, "take")
    assert (taken.status_code, taken.json()["held_by"]) == (200, "tests/ann")
    assert refused(act(bob, name, "take")) == (409, "case_held")
    assert refused(act(bob, name, "decide", **FRAUD)) == (409, "case_not_held")
    assert name in queue(bob, held_by="tests/ann")
    assert name in queue(ann, held_by="me")
    assert name not in queue(bob, held_by="nobody", limit=200)
    assert act(ann, name, "decide", **FRAUD).json()["state"] == "fraud"
    assert name not in queue(ann, limit=200)
    until(lambda: labels_of(ann, name), within_s=SOON_S, every_s=0.3)
    (label,) = labels_of(ann, name)
    assert (label["label"], label["source"]) == ("fraud", "analyst")
    assert in_kafka(fraudml.stack.settings, name) == [label]
    shown = bob.get(f"/v1/reviews/{name}").json()
    assert [(each["actor"], each["action"]) for each in shown["actions"]] == [
        ("tests/ann", "take"),
        ("tests/ann", "decide"),
    ]
    assert shown["actions"][1]["note"] == FRAUD["note"]
    assert refused(act(ann, name, "undo")) == (409, "too_late_to_undo")
    assert refused(act(bob, name, "take")) == (409, "case_settled")
    fraudml.ok("reconcile")


def test_a_verdict_that_was_undone_is_no_label(
    shop: httpx.Client, ann: httpx.Client, bob: httpx.Client, fraudml: CommandLine
) -> None:
    name = case(shop)
    act(ann, name, "take")
    act(ann, name, "decide", **FRAUD)
    assert refused(act(bob, name, "undo")) == (409, "too_late_to_undo")
    undone = act(ann, name, "undo")
    assert (undone.status_code, undone.json()["held_by"]) == (200, "tests/ann")
    assert name in queue(ann, held_by="me")
    # A verdict of later has its label before anything of the undone one could still come.
    other = case(shop)
    act(ann, other, "take")
    act(ann, other, "decide", verdict="genuine", reason_code="customer_confirms")
    until(lambda: labels_of(ann, other), within_s=SOON_S, every_s=0.3)
    assert in_kafka(fraudml.stack.settings, name) == []
    assert act(ann, name, "release").json()["state"] == "open"


def test_a_chargeback_takes_a_case_out_of_the_queue(shop: httpx.Client, ann: httpx.Client) -> None:
    name = case(shop)
    label = {
        "label_id": f"label-{uuid.uuid4()}",
        "transaction_id": name,
        "customer_id": "demo-c1",
        "label": "fraud",
        "source": "chargeback",
        "version": 1,
        "event_time": "2018-06-08T03:00:00Z",
    }
    assert shop.post("/v1/labels", json=label).status_code == 202
    until(lambda: name not in queue(ann, limit=200), within_s=SOON_S, every_s=0.3)
    assert refused(act(ann, name, "take")) == (409, "case_settled")
    assert ann.get(f"/v1/reviews/{name}").json()["case"]["state"] == "fraud"


def test_many_cases_have_one_verdict_and_an_outcome_each(
    shop: httpx.Client, ann: httpx.Client, bob: httpx.Client
) -> None:
    names = [case(shop) for _ in range(3)]
    act(bob, names[1], "take")
    finding = {"verdict": "genuine", "reason_code": "customer_confirms"}
    asked = {"transaction_ids": [*names, "never-decided", "\u0007"], **finding}
    results = ann.post("/v1/reviews:decide", json=asked).json()["results"]
    assert [(each["status"], each.get("code")) for each in results] == [
        (200, None),
        (409, "case_held"),
        (200, None),
        (404, "not_found"),
        (404, "not_found"),
    ]
    assert [each["transaction_id"] for each in results] == asked["transaction_ids"]
    too_many = {"transaction_ids": ["a"] * 201, **finding}
    assert refused(ann.post("/v1/reviews:decide", json=too_many)) == (422, "invalid_value")


def test_two_hundred_cases_are_closed_at_once(shop: httpx.Client, ann: httpx.Client) -> None:
    names = [case(shop) for _ in range(200)]
    finding = {"verdict": "genuine", "reason_code": "customer_confirms"}
    done = ann.post("/v1/reviews:decide", json={"transaction_ids": names, **finding}, timeout=30)
    assert {each["status"] for each in done.json()["results"]} == {200}


def test_what_cannot_be_is_refused(shop: httpx.Client, ann: httpx.Client) -> None:
    name = case(shop)
    act(ann, name, "take")
    later = (datetime.now(UTC) + timedelta(days=31)).isoformat()
    for body, code in (
        (FRAUD | {"reason_code": "usual_for_customer"}, "invalid_value"),
        (FRAUD | {"reason_code": "none of them"}, "invalid_value"),
        ({"verdict": "fraud"}, "missing_field"),
        ({"verdict": "fraud", "reason_code": "other"}, "missing_field"),
        ({"verdict": "snooze", "reason_code": "awaiting_bank"}, "missing_field"),
        ({"verdict": "snooze", "reason_code": "awaiting_bank", "until": later}, "invalid_value"),
        (FRAUD | {"note": "x" * 2001}, "invalid_value"),
        (FRAUD | {"note": "\0"}, "invalid_value"),
        (FRAUD | {"note": "paid by 4111 1111 1111 1111"}, "card_number"),
        (FRAUD | {"who": "ann"}, "unknown_field"),
    ):
        answer = act(ann, name, "decide", **body)
        assert refused(answer) == (422, code), body
        assert "4111" not in words_of(answer)
    for action in ("take", "release", "undo"):
        assert refused(act(ann, "never-decided", action)) == (404, "not_found")
    assert refused(act(ann, "a%0Ab", "take")) == (404, "not_found")
    for asked, code in (
        ({"cursor": "AAAA"}, "cursor"),
        ({"sort": "name"}, "invalid_value"),
        ({"limit": 0}, "invalid_value"),
        ({"min_amount_minor": -1}, "invalid_value"),
        ({"holder": "me"}, "unknown_parameter"),
    ):
        assert refused(ann.get("/v1/reviews", params=asked)) == (422, code), asked
    act(ann, name, "release")


@pytest.mark.parametrize("sort", ["expected_loss", "age"])
def test_pages_lead_through_the_queue(shop: httpx.Client, ann: httpx.Client, sort: str) -> None:
    names = {case(shop) for _ in range(5)}
    found: list[str] = []
    asked = {"sort": sort, "limit": "2", "min_amount_minor": "9000000"}
    cursor: str | None = ""
    while cursor is not None:
        told = ann.get("/v1/reviews", params=asked | ({"cursor": cursor} if cursor else {})).json()
        found += [each["transaction_id"] for each in told["items"]]
        cursor = told["next_cursor"]
    assert len(found) == len(set(found))
    assert names <= set(found)


def test_no_action_is_open_to_who_may_only_read(gateway: str, fraudml: CommandLine) -> None:
    actions = [f"/v1/reviews/some-id/{action}" for action in ("take", "release", "decide", "undo")]
    reading = [("GET", "/v1/reviews"), ("GET", "/v1/reviews/some-id")]
    acting = [("POST", path) for path in (*actions, "/v1/reviews:decide")]
    for asked, scope in ((reading, "decisions:read"), (acting, "reviews:write")):
        with asking(gateway, fraudml, *(each for each in SCOPES if each != scope)) as client:
            for method, path in asked:
                assert refused(client.request(method, path)) == (403, "forbidden"), path
                assert refused(httpx.request(method, gateway + path)) == (401, "unauthenticated"), path


def test_a_note_stands_in_its_case_alone(shop: httpx.Client, ann: httpx.Client, fraudml: CommandLine) -> None:
    name, words = case(shop), f"told me {uuid.uuid4()}"
    act(ann, name, "take")
    act(ann, name, "decide", verdict="escalate", reason_code="other", note=words)
    assert ann.get(f"/v1/reviews/{name}").json()["actions"][-1]["note"] == words
    with psycopg.connect(fraudml.stack.settings.database_url) as connection:
        rows = connection.execute(
            "SELECT audit::text FROM audit WHERE object = %s", [f"case {name}"]
        ).fetchall()
    assert len(rows) == 2
    assert not any(words in row for (row,) in rows)
    fraudml.ok("audit", "verify")
