"""Administration over HTTP, on desks whose stores are the test's own: what is asked of them, and who asks."""

from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from api.key_ring import BOOTSTRAP
from api.routes import keys
from models.ab_test import ABConfig, create_default_ab_config
from models.api_key import Kept, parse
from models.errors import Misuse, NotFound, RegistryUnavailable, ViewUnavailable
from models.policy import DEFAULT_POLICY, SMALL_PASSES, Fallback
from models.promotions import Model, Promotion
from models.scopes import Key, Scope
from streams.key_desk import KeyDesk
from streams.ledger.audit import AuditRow
from streams.ledger.keys import AskedFor, KeyLimit, KeyRecord
from streams.ledger.rules import Rules
from streams.model_desk import ModelDesk
from tests.unit.api.guarded import Caller, key_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PEPPER = b"a pepper of these tests"
XGBOOST = "FraudDetection_XGBoost"
ADMIN = key_of(["keys:admin", "score:write", "models:admin", "stats:read", "audit:read"], "console")


class KeyTable:
    """Keeps what it is told to, and who told it."""

    def __init__(self) -> None:
        self.rows: dict[str, KeyRecord] = {}
        self.by: list[tuple[str, str]] = []

    def create(self, kept: Kept, asked: AskedFor, *, actor: str, why: str) -> KeyRecord:
        if any((each.owner, each.name) == (asked.owner, asked.name) for each in self.rows.values()):
            raise Misuse(f"{asked.owner} has a live key {asked.name}")
        self.by.append((actor, why))
        return self._add(kept, asked)

    def rotate(
        self, key_id: str, kept: Kept, overlap: timedelta, *, actor: str, why: str
    ) -> tuple[KeyRecord, KeyRecord]:
        self.by.append((actor, why))
        old = self.find(key_id)
        asked = AskedFor(old.owner, old.name, old.scopes, old.limit_per_minute, old.lifetime)
        return self._add(kept, asked), old

    def revoke(self, key_id: str, *, actor: str, why: str) -> KeyRecord:
        self.by.append((actor, why))
        return self.find(key_id)

    def find(self, key_id: str) -> KeyRecord:
        if key_id not in self.rows:
            raise NotFound(f"there is no key {key_id}")
        return self.rows[key_id]

    def records(self) -> list[KeyRecord]:
        return list(self.rows.values())

    def limits(self, most: int) -> tuple[list[KeyLimit], int]:
        found = [KeyLimit(*(getattr(each, name) for name in KeyLimit._fields)) for each in self.rows.values()]
        return found[:most], len(found)

    def _add(self, kept: Kept, asked: AskedFor) -> KeyRecord:
        made = KeyRecord(
            key_id=kept.key_id,
            env=kept.env,
            last_four=kept.last_four,
            pepper_id=kept.pepper_id,
            created_at=NOW,
            expires_at=None if asked.lifetime is None else NOW + asked.lifetime,
            revoked_at=None,
            state="live",
            **asked._asdict(),
        )
        self.rows[kept.key_id] = made
        return made


class Used:
    """Redis' lists, as far as they are looked at."""

    def __init__(self) -> None:
        self.away = False

    async def used(self, key_ids: list[str]) -> list[int]:
        if self.away:
            raise ViewUnavailable("Redis does not tell what keys have used")
        return [len(key_id) for key_id in key_ids]


class RuleTable:
    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.activated: list[tuple[str, str, str, str]] = []
        self.noted: list[tuple[Any, ...]] = []

    def in_force(self) -> Rules:
        return Rules(DEFAULT_POLICY, create_default_ab_config())

    def keep(self, kind: Any, rule: Any) -> None:
        self.kept.append(rule)

    def activate(self, kind: Any, version: str, *, actor: str, why: str) -> str:
        if version not in [rule.version for rule in self.kept]:
            raise NotFound(f"there is no {kind.name} of version {version}")
        self.activated.append((kind.name, version, actor, why))
        return "default-1"

    def overview(self, kind: Any, version: str | None) -> dict[str, Any]:
        return {"in_force": "default-1", "asked": version}

    def note(self, action: str, what: str, before: str | None, after: str, **words: Any) -> None:
        self.noted.append((action, what, before, after, words["actor"], words.get("outcome", "done")))


class Registry:
    def __init__(self) -> None:
        self.away = False

    def shown(self, names: Any) -> list[Model]:
        return [Model(name=name, versions=[], promotions=[]) for name in names]

    def promote(self, name: str, alias: str, version: str | None, *, who: str | None, why: str) -> Promotion:
        if self.away:
            raise RegistryUnavailable("MLflow took too long")
        return Promotion(
            who=str(who),
            when="now",
            name=name,
            alias=alias,
            before="1",
            after=str(version),
            metrics={},
            why=why,
        )

    def roll_back(self, name: str, alias: str, *, who: str | None, why: str) -> Promotion:
        raise Misuse(f"no version of {name} stood behind {alias} before")


class Table:
    """An audit table of 5 rows."""

    def newest(self, most: int, before: int) -> list[AuditRow]:
        rows = [
            AuditRow(
                audit_id=number,
                happened_at=NOW,
                actor="ann",
                action="create",
                object="key",
                before=None,
                after="live",
                why="",
                outcome="done",
                detail={},
            )
            for number in range(5, 0, -1)
        ]
        return [row for row in rows if row.audit_id < before][:most]


class World:
    """A caller, whose key may do nearly everything, and what stands behind the gateway."""

    def __init__(self) -> None:
        self.keys, self.rules, self.registry = KeyTable(), RuleTable(), Registry()
        rules: Any = self.rules
        table: Any = self.keys

        async def ask(call: Any, *args: Any, **kwargs: Any) -> Any:
            return call(*args, **kwargs)

        administration = SimpleNamespace(
            keys=KeyDesk(table, lambda: PEPPER, Random(1).randbytes),
            rules=rules,
            models=ModelDesk(self.registry, rules),
            audit=Table(),
            ask=ask,
            ask_registry=ask,
        )
        self.usage = Used()
        self.caller = Caller({"admin": ADMIN}, administration=administration, usage=self.usage)

    def post(self, path: str, **document: Any) -> Any:
        return self.caller.ask("POST", path, "admin", json=document)

    def get(self, path: str) -> Any:
        return self.caller.ask("GET", path, "admin")

    def key(self, *scopes: Scope) -> str:
        """The id of a key that somebody else has made."""
        asked = AskedFor("shop", "till", scopes, 100)
        return self.keys._add(Kept("2hS7typIeJP", "live", b"", "", "1234"), asked).key_id


@pytest.fixture
def world() -> World:
    return World()


def test_a_key_that_is_made_is_told_once_and_kept_by_no_cache(world: World) -> None:
    made = world.post(
        "/v1/keys", owner="shop", name="till", scopes=["score:write"], expires_days=1, why="new"
    )
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert parse(made.json()["key"]).key_id == made.json()["key_id"]
    assert (made.json()["scopes"], made.json()["expires_at"]) == (["score:write"], "2026-06-02T00:00:00Z")
    assert world.keys.by == [("shop/console", "new")]
    (listed,) = world.get("/v1/keys").json()["keys"]
    assert listed == {name: value for name, value in made.json().items() if name != "key"}


def test_what_each_live_key_has_used_is_told_and_no_more_of_it(world: World) -> None:
    key_id = world.key("score:write")
    told = {"key_id": key_id, "owner": "shop", "name": "till", "limit_per_minute": 100, "used": 11}
    assert world.get("/v1/keys/usage").json() == {"keys": [told], "live_keys": 1}


def test_of_very_many_keys_some_are_told_and_that_there_are_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.keys._add(Kept(f"key-{number}", "live", b"", "", "1234"), AskedFor("shop", "till", (), 1))
    monkeypatch.setattr(keys, "MOST_KEYS", 2)
    told = world.get("/v1/keys/usage").json()
    assert (len(told["keys"]), told["live_keys"]) == (2, 3)


def test_what_keys_have_used_is_not_told_while_redis_is_away(world: World) -> None:
    world.key("score:write")
    world.usage.away = True
    refused = world.get("/v1/keys/usage")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


def test_nobody_gets_more_by_a_key_than_whoever_made_it_has(world: World) -> None:
    made = world.post("/v1/keys", owner="shop", name="till", scopes=["score:write", "labels:write"])
    assert (made.status_code, made.json()["code"]) == (403, "forbidden")
    assert "labels:write" in made.json()["detail"]
    rotated = world.post(f"/v1/keys/{world.key('labels:write')}/rotate")
    assert (rotated.status_code, rotated.json()["code"]) == (403, "forbidden")
    assert world.keys.by == []


def test_a_key_is_rotated_and_told_beside_the_old_one(world: World) -> None:
    key_id = world.key("score:write")
    made = world.post(f"/v1/keys/{key_id}/rotate", overlap_hours=1.5, why="yearly")
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert (made.json()["rotated"]["key_id"], "key" in made.json()["rotated"]) == (key_id, False)
    assert parse(made.json()["key"]).key_id == made.json()["key_id"] != key_id


def test_a_key_of_any_scope_can_be_revoked(world: World) -> None:
    ended = world.post(f"/v1/keys/{world.key('labels:write')}/revoke", why="lost")
    assert (ended.status_code, world.keys.by) == (200, [("shop/console", "lost")])


@pytest.mark.parametrize("key_id", ["AAAAAAAAAAA", "short", "%00", "x" * 100])
def test_a_key_that_there_is_not_is_not_found(world: World, key_id: str) -> None:
    for verb in ("rotate", "revoke"):
        assert world.post(f"/v1/keys/{key_id}/{verb}").json()["code"] == "not_found"


def test_what_stands_in_the_way_is_said_and_no_waiting_is_advised(world: World) -> None:
    world.key("score:write")
    refused = world.post("/v1/keys", owner="shop", name="till", scopes=["score:write"])
    assert (refused.status_code, refused.json()["code"]) == (409, "misuse")
    assert "shop has a live key till" in refused.json()["detail"]
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"scopes": ["everything"]}, "invalid_value"),
        ({"scopes": []}, "invalid_value"),
        ({"owner": ""}, "invalid_value"),
        ({"owner": " shop"}, "invalid_value"),
        ({"owner": "a\u0000b"}, "invalid_value"),
        ({"limit_per_minute": 0}, "invalid_value"),
        ({"expires_days": 10**9}, "invalid_value"),
        ({"env": "Live"}, "invalid_value"),
        ({"env": "live\n"}, "invalid_value"),
        ({"why": "x" * 501}, "invalid_value"),
        ({"why": "for 4111 1111 1111 1111"}, "card_number"),
        ({"limit": 5}, "unknown_field"),
        ({"owner": 5}, "wrong_type"),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_what_is_wrong(
    world: World, wrong: dict[str, Any], code: str
) -> None:
    refused = world.post("/v1/keys", **{"owner": "shop", "name": "till", "scopes": ["score:write"]} | wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert world.keys.rows == {}


def test_a_version_is_promoted_and_noted_under_the_name_of_the_key(world: World) -> None:
    made = world.post(f"/v1/models/{XGBOOST}/promote", version="2", why="better")
    assert made.status_code == 200
    assert (made.json()["alias"], made.json()["before"], made.json()["after"]) == ("champion", "1", "2")
    assert (made.json()["who"], made.json()["notes"]) == ("shop/console", [])
    assert world.rules.noted == [("promote", f"{XGBOOST}@champion", "1", "2", "shop/console", "done")]


def test_a_place_that_no_variant_uses_is_taken_and_said(world: World) -> None:
    made = world.post(f"/v1/models/{XGBOOST}/promote", alias="challenger", version="2").json()
    assert "so it decides nothing" in made["notes"][0]


def test_a_promotion_without_an_answer_is_noted_as_failed(world: World) -> None:
    """It may have been done all the same."""
    world.registry.away = True
    refused = world.post(f"/v1/models/{XGBOOST}/promote", version="2")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert world.rules.noted == [("promote", f"{XGBOOST}@champion", None, "2", "shop/console", "failed")]


def test_what_cannot_be_rolled_back_is_said(world: World) -> None:
    refused = world.post(f"/v1/models/{XGBOOST}/rollback")
    assert (refused.status_code, refused.json()["code"]) == (409, "misuse")
    assert world.rules.noted == []


def test_a_model_that_there_is_not_is_not_found(world: World) -> None:
    assert world.post("/v1/models/Other/promote", version="1").json()["code"] == "not_found"
    assert world.post("/v1/models/Other/rollback").json()["code"] == "not_found"
    assert world.post(f"/v1/models/{XGBOOST}/promote", version="newest").json()["code"] == "invalid_value"


def test_every_model_is_listed(world: World) -> None:
    names = [model["name"] for model in world.get("/v1/models").json()["models"]]
    assert names == [XGBOOST, "FraudDetection_LightGBM"]


def test_a_split_is_changed_and_put_in_force(world: World) -> None:
    weights = {"champion": 0.6, "challenger": 0.4}
    made = world.post("/v1/ab", version="forty", weights=weights, why="a trial")
    assert made.status_code == 201
    assert {each["name"]: each["weight"] for each in made.json()["ab"]["variants"]} == weights
    (kept,) = world.rules.kept
    assert isinstance(kept, ABConfig)
    assert world.rules.activated == [("ab", "forty", "shop/console", "a trial")]


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"weights": {"champion": 0.5}}, 422, "invalid_value"),
        ({"weights": {"champion": 2}}, 422, "invalid_value"),
        ({"weights": {"nobody": 0.5}}, 409, "misuse"),
        ({"version": "default-1"}, 409, "misuse"),
        ({"version": "a\u0007b"}, 422, "invalid_value"),
        ({"weights": {"4111111111111111": 0.5}}, 422, "card_number"),
    ],
)
def test_a_split_that_cannot_be_changes_nothing(
    world: World, wrong: dict[str, Any], status: int, code: str
) -> None:
    refused = world.post(
        "/v1/ab", **{"version": "new", "weights": {"champion": 0.5, "challenger": 0.5}} | wrong
    )
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (world.rules.kept, world.rules.activated) == ([], [])


def test_a_policy_is_kept_and_then_put_in_force(world: World) -> None:
    bands = [{"amount_minor": 0, "review_at": 0.2, "decline_at": 0.9}]
    assert world.post("/v1/policies", version="strict", bands=bands).status_code == 201
    assert world.rules.activated == []
    made = world.post("/v1/policies/strict/activate", why="seen")
    assert made.json() == {"before": "default-1", "in_force": "strict"}
    assert world.rules.activated == [("policy", "strict", "shop/console", "seen")]


def test_a_policy_says_what_holds_without_a_model(world: World) -> None:
    bands = [{"amount_minor": 0, "review_at": 0.2, "decline_at": 0.9}]
    cautious = [{"amount_minor": 0, "verdict": "review"}]
    world.post("/v1/policies", version="usual", bands=bands)
    world.post("/v1/policies", version="cautious", bands=bands, without_model=cautious)
    assert [policy.without_model for policy in world.rules.kept] == [SMALL_PASSES, (Fallback(0, "review"),)]


@pytest.mark.parametrize(
    "bands",
    [
        [],
        [{"amount_minor": 5, "review_at": 0.2, "decline_at": 0.9}],
        [{"amount_minor": 0, "review_at": 0.9, "decline_at": 0.2}],
        [{"amount_minor": 0, "review_at": 0.2, "decline_at": 2}],
    ],
)
def test_a_policy_that_cannot_be_is_not_kept(world: World, bands: list[Any]) -> None:
    refused = world.post("/v1/policies", version="wrong", bands=bands)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_value")
    assert world.rules.kept == []


def test_rules_of_names_that_cannot_be_are_not_found(world: World) -> None:
    assert world.post("/v1/policies/lost/activate").json()["code"] == "not_found"
    assert world.post("/v1/policies/%00/activate").json()["code"] == "not_found"
    for path in ("/v1/policies", "/v1/ab"):
        assert world.get(path).json()["asked"] is None
        assert world.get(f"{path}?version=may-1").json()["asked"] == "may-1"
        assert world.get(f"{path}?version=%00").json()["code"] == "not_found"


def test_the_audit_table_is_paged_newest_first(world: World) -> None:
    seen, path = [], "/v1/audit?limit=2"
    while path:
        page = world.get(path).json()
        seen.append([row["audit_id"] for row in page["rows"]])
        path = f"/v1/audit?limit=2&before={page['next_before']}" if page["next_before"] else ""
    assert seen == [[5, 4], [3, 2], [1]]
    for wrong in ("limit=0", "limit=201", "limit=x", "before=0", "before=99999999999999999999"):
        assert world.get(f"/v1/audit?{wrong}").json()["code"] == "invalid_value"
    assert world.get("/v1/audit?since=1").json()["code"] == "unknown_parameter"


def test_who_acts_is_the_owner_and_the_name_of_the_key() -> None:
    assert BOOTSTRAP.actor == "bootstrap/API_KEY"
    assert Key(key_id="a", owner="shop", name="till", scopes=()).actor == "shop/till"
