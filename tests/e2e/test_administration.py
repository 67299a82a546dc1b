"""Administration through a running gateway: what it changes is in force, and stands in the audit table."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import PROGRAM, CommandLine
from tests.e2e.gateways import free_port

pytestmark = pytest.mark.stack

API_KEY = "a bootstrap key of these tests"
SOON_S = 30.0
MOST_FAILURES = 20
XGBOOST = "FraudDetection_XGBoost"


@pytest.fixture(scope="module")
def address(fraudml: CommandLine) -> Iterator[str]:
    """Of a gateway of one process; what it has not noted of failures it notes when it ends."""
    port = free_port()
    environment = fraudml.environment | {
        "API_KEY": API_KEY,
        "FRAUDML_FAILED_KEYS_PER_MINUTE": str(MOST_FAILURES),
    }
    found = f"http://127.0.0.1:{port}"
    with subprocess.Popen([str(PROGRAM), "gateway", "--port", str(port)], env=environment) as process:
        try:
            until(lambda: _ready(found), within_s=60, every_s=0.2)
            yield found
        finally:
            process.terminate()
            process.wait(40)
    lines = fraudml.ok("audit", "export").stdout.splitlines()
    rows = [json.loads(line)["row"] for line in lines if "address 127.0.0.1" in line]
    assert sum(row["detail"]["turned_away"] for row in rows) > 0
    assert {row["outcome"] for row in rows} == {"refused"}
    assert len(rows) <= 2
    fraudml.ok("audit", "verify")


def _ready(address: str) -> bool:
    try:
        return httpx.get(address + "/readyz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def admin(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"X-API-Key": API_KEY}, timeout=60) as client:
        yield client


def newest(admin: httpx.Client) -> Any:
    return admin.get("/v1/audit", params={"limit": 1}).json()["rows"][0]


def test_a_key_is_made_used_rotated_and_revoked(admin: httpx.Client, fraudml: CommandLine) -> None:
    asked = {"owner": "shop", "name": "till", "scopes": ["stats:read"], "why": "a new till"}
    made = admin.post("/v1/keys", json=asked)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    row = newest(admin)
    assert (row["actor"], row["action"], row["why"]) == ("bootstrap/API_KEY", "create", "a new till")
    key, key_id = made.json()["key"], made.json()["key_id"]
    until(lambda: _status(admin, key) == 200, within_s=SOON_S, every_s=1)
    rotated = admin.post(f"/v1/keys/{key_id}/rotate", json={"overlap_hours": 1}).json()
    assert rotated["rotated"]["key_id"] == key_id
    assert admin.post(f"/v1/keys/{key_id}/revoke", json={}).json()["state"] == "revoked"
    until(lambda: _status(admin, key) == 401, within_s=5, every_s=0.5)
    listed = {each["key_id"]: each["state"] for each in admin.get("/v1/keys").json()["keys"]}
    assert (listed[key_id], listed[rotated["key_id"]]) == ("revoked", "live")
    assert key not in fraudml.ok("audit", "export").stdout


def _status(admin: httpx.Client, key: str) -> int:
    return admin.get("/v1/policies", headers={"X-API-Key": key}).status_code


def test_a_model_is_promoted_and_rolled_back_where_the_registry_has_it(
    admin: httpx.Client, fraudml: CommandLine
) -> None:
    before = {model["name"]: model for model in admin.get("/v1/models").json()["models"]}
    (version, *_) = before[XGBOOST]["versions"]
    made = admin.post(f"/v1/models/{XGBOOST}/promote", json={"version": version["version"], "why": "again"})
    assert (made.status_code, made.json()["alias"], made.json()["notes"]) == (200, "champion", [])
    row = newest(admin)
    assert (row["object"], row["actor"], row["why"]) == (f"{XGBOOST}@champion", "bootstrap/API_KEY", "again")
    shown = fraudml.json("models", "show", XGBOOST, "--json")
    assert shown["promotions"][-1]["who"] == "bootstrap/API_KEY"
    none = admin.post(f"/v1/models/{XGBOOST}/promote", json={"version": "99"})
    assert (none.status_code, none.json()["code"]) == (404, "not_found")
    back = admin.post(f"/v1/models/{XGBOOST}/rollback", json={})
    assert (back.status_code, back.json()["code"]) == (409, "misuse")


def test_a_policy_and_a_split_decide_once_they_are_activated(
    admin: httpx.Client, fraudml: CommandLine
) -> None:
    bands = [{"amount_minor": 0, "review_at": 0.25, "decline_at": 0.75}]
    assert admin.post("/v1/policies", json={"version": "by-rest", "bands": bands}).status_code == 201
    assert admin.get("/v1/policies").json()["in_force"] == "default-1"
    activated = admin.post("/v1/policies/by-rest/activate", json={"why": "a trial"})
    assert activated.json() == {"before": "default-1", "in_force": "by-rest"}
    weights = {"champion": 0.7, "challenger": 0.3}
    assert admin.post("/v1/ab", json={"version": "thirty", "weights": weights}).status_code == 201
    assert fraudml.json("policy", "show", "--json")["in_force"] == "by-rest"
    assert fraudml.json("ab", "show", "--json")["in_force"] == "thirty"
    changed = admin.post(
        "/v1/policies", json={"version": "by-rest", "bands": [bands[0] | {"review_at": 0.1}]}
    )
    assert (changed.status_code, changed.json()["code"]) == (409, "misuse")
    assert admin.post("/v1/policies/default-1/activate", json={}).status_code == 200
    # As other tests expect it.
    weights = {"champion": 0.9, "challenger": 0.1}
    assert admin.post("/v1/ab", json={"version": "ninety", "weights": weights}).status_code == 201


def test_an_address_that_fails_again_and_again_is_turned_away_and_known_keys_are_not(
    admin: httpx.Client,
) -> None:
    wrong = {"X-API-Key": "fsk_live_nobodys"}
    found = [admin.get("/v1/keys", headers=wrong).status_code for _ in range(60)]
    assert set(found) == {401, 429}
    assert found == sorted(found)
    assert admin.get("/v1/keys").status_code == 200
