"""People on a running gateway: who signs in acts by name, as his role allows, until he is shut out."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import SOON_S, known_key

pytestmark = pytest.mark.stack

SENTENCE = "a sentence that only she knows"


@pytest.fixture(scope="module")
def page(gateway: str, fraudml: CommandLine) -> Iterator[httpx.Client]:
    """What a page that signs people in has: a key that may act for them."""
    key = known_key(fraudml, gateway, "users:act")
    with httpx.Client(base_url=gateway, headers={"X-API-Key": key}, timeout=10) as client:
        yield client


@pytest.fixture(scope="module")
def people(fraudml: CommandLine) -> None:
    for name, role in (("ann", "analyst"), ("vic", "viewer"), ("root", "admin")):
        fraudml.ok("users", "create", name, "--role", role, stdin=SENTENCE + "\n")


def signed_in(page: httpx.Client, name: str, password: str) -> httpx.Response:
    return page.post("/v1/sessions", json={"name": name, "password": password})


def as_(page: httpx.Client, name: str) -> dict[str, str]:
    answer = signed_in(page, name, SENTENCE)
    assert answer.status_code == 201, answer.text
    return {"X-User-Token": answer.json()["token"]}


@pytest.mark.usefixtures("people")
def test_who_signs_in_may_what_his_role_opens(page: httpx.Client) -> None:
    viewer, analyst, admin = (as_(page, name) for name in ("vic", "ann", "root"))
    until(lambda: page.get("/v1/stats", headers=viewer).status_code == 200, within_s=SOON_S, every_s=0.5)
    assert page.post("/v1/reviews/none/take", headers=viewer).status_code == 403
    assert page.post("/v1/reviews/none/take", headers=analyst).status_code == 404
    assert page.get("/v1/users", headers=analyst).status_code == 403
    assert {each["name"] for each in page.get("/v1/users", headers=admin).json()["users"]} >= {"ann", "vic"}
    assert page.post("/v1/score", headers=admin, json={}).status_code == 403


@pytest.mark.usefixtures("people")
def test_a_session_goes_on_by_another_token(page: httpx.Client) -> None:
    first = as_(page, "ann")
    until(lambda: page.get("/v1/session", headers=first).status_code == 200, within_s=SOON_S, every_s=0.5)
    found = page.get("/v1/session", headers=first).json()
    assert (found["name"], found["role"]) == ("ann", "analyst")
    assert page.get("/v1/session", headers={"X-User-Token": found["token"]}).status_code == 200


@pytest.mark.usefixtures("people")
def test_who_is_disabled_is_out_within_five_seconds_and_the_audit_table_names_who_did_it(
    page: httpx.Client, fraudml: CommandLine
) -> None:
    fraudml.ok("users", "create", "eve", "--role", "analyst", stdin=SENTENCE + "\n")
    admin, eve = as_(page, "root"), as_(page, "eve")
    until(lambda: page.get("/v1/stats", headers=eve).status_code == 200, within_s=SOON_S, every_s=0.5)
    until(lambda: page.get("/v1/users", headers=admin).status_code == 200, within_s=SOON_S, every_s=0.5)
    began_s = time.monotonic()
    assert page.post("/v1/users/eve/disable", headers=admin, json={"why": "has left"}).status_code == 200
    until(lambda: page.get("/v1/stats", headers=eve).status_code == 401, within_s=5, every_s=0.2)
    assert time.monotonic() - began_s < 5
    assert signed_in(page, "eve", SENTENCE).status_code == 401
    rows = [json.loads(line)["row"] for line in fraudml.ok("audit", "export").stdout.splitlines()]
    row = next(row for row in reversed(rows) if row["object"] == "user eve")
    assert (row["action"], row["actor"], row["why"]) == ("disable", "user/root", "has left")


@pytest.mark.usefixtures("people")
def test_who_signs_out_is_out_everywhere_within_five_seconds_and_may_sign_in_at_once(
    page: httpx.Client,
) -> None:
    here, there = as_(page, "vic"), as_(page, "vic")
    until(lambda: page.get("/v1/stats", headers=there).status_code == 200, within_s=SOON_S, every_s=0.5)
    assert page.post("/v1/sessions:end", headers=here).json() == {}
    again = as_(page, "vic")
    assert page.get("/v1/session", headers=again).status_code == 200
    assert page.get("/v1/session", headers=there).status_code == 401
    until(lambda: page.get("/v1/stats", headers=there).status_code == 401, within_s=5, every_s=0.2)
    assert page.get("/v1/stats", headers=again).status_code == 200


@pytest.mark.usefixtures("people")
def test_guesses_under_a_name_are_slowed_down(page: httpx.Client) -> None:
    """Each of two processes counts for itself."""
    answers = [signed_in(page, "mallory", f"a guess, number {number}") for number in range(25)]
    assert {each.status_code for each in answers} == {401, 429}
    assert sum(each.status_code == 401 for each in answers) <= 20
    assert int(answers[-1].headers["retry-after"]) > 0
    assert signed_in(page, "ann", SENTENCE).status_code == 201


def test_a_password_is_written_down_nowhere(fraudml: CommandLine) -> None:
    assert SENTENCE not in fraudml.ok("audit", "export").stdout
    assert SENTENCE not in fraudml.ok("users", "list", "--json").stdout
