"""Quality, what-if and drift over HTTP: what is asked of the ledger, and what is refused before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from api.measuring import Measuring, models_in
from models.ab_test import ABConfig, ABTestRouter, Variant
from models.costs import Costs
from models.scorer import Model, Scorer
from models.training_sample import TrainingSample
from streams.quality.questions import QualityQuestion, Question, WhatIfQuestion
from tests.builders import POLICY, explain_by_amount, score_by_amount
from tests.unit.api.guarded import Caller, key_of

NOW = datetime(2026, 6, 8, 12, 0, 30, tzinfo=UTC)
MATURED = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MAY = {"from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z"}
WHAT_IF = {"review": 0.2, "decline": 0.7}


class Ledger:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def answer(self, question: Question) -> bytes:
        self.asked.append(question)
        return msgspec.json.encode({"number": len(self.asked)})

    def close(self) -> None:
        raise AssertionError("nobody closes it")


SAMPLE = TrainingSample(10, {"amount_minor": [1.0]}, {"amount_minor": [1.0]})
SPLIT = ABConfig("ab-1", "s", (Variant("one", "X", "champion", 0.5), Variant("two", "X", "challenger", 0.5)))


def scorer(*versions: str) -> Scorer:
    models = [Model("X", version, score_by_amount, explain_by_amount, SAMPLE) for version in versions]
    return Scorer(ABTestRouter(SPLIT), models, POLICY)


class World:
    def __init__(self, in_force: Scorer | None = None) -> None:
        self.ledger = Ledger()
        self.caller = Caller(
            {"key": key_of(["stats:read"])},
            clock_ms=int(NOW.timestamp() * 1000),
            measuring=Measuring(self.ledger, lambda: in_force),
        )

    def ask(self, path: str, **asked: Any) -> httpx.Response:
        return self.caller.ask("GET", path, "key", params=asked)

    def question(self, path: str, **asked: Any) -> Any:
        """What the ledger is asked for it."""
        answer = self.ask(path, **asked)
        assert answer.status_code == 200, answer.text
        return self.ledger.asked[-1]


@pytest.fixture
def world() -> World:
    return World()


def test_by_default_the_last_28_days_whose_labels_are_old_enough_are_asked_for(world: World) -> None:
    assert world.question("/v1/quality") == QualityQuestion(
        since=MATURED - timedelta(days=28), until=MATURED, costs=Costs()
    )


def test_a_range_may_be_asked_for_and_ends_where_labels_are_young(world: World) -> None:
    whole = world.question("/v1/quality", **MAY)
    assert (whole.since, whole.until) == (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))
    cut = world.question("/v1/quality", **{**MAY, "to": "2026-06-08T00:00:00Z"})
    assert (cut.since, cut.until) == (whole.since, MATURED)
    young = world.question("/v1/quality", **{"from": "2026-06-05T00:00:00Z"})
    assert (young.since, young.until) == (MATURED, MATURED)
    back = world.question("/v1/quality", **{"to": "2026-05-02T00:00:00Z"})
    assert (back.since, back.until) == (whole.until - timedelta(days=28), whole.until)


def test_costs_may_be_declared(world: World) -> None:
    asked = world.question("/v1/quality", review_minor=100, review_catches=0.5).costs
    assert asked == Costs(review_minor=100.0, review_catches=0.5)
    assert world.question("/v1/what-if", **WHAT_IF, missed_fee_minor=0).costs == Costs(missed_fee_minor=0.0)


def test_thresholds_and_a_variant_are_handed_on(world: World) -> None:
    assert world.question("/v1/what-if", **WHAT_IF, **MAY, variant="champion") == WhatIfQuestion(
        since=datetime(2026, 5, 1, tzinfo=UTC),
        until=datetime(2026, 5, 2, tzinfo=UTC),
        costs=Costs(),
        review=0.2,
        decline=0.7,
        variant="champion",
    )
    for end in (0, 1):
        assert world.question("/v1/what-if", review=end, decline=end).review == end


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "?decline"),
        ({"decline": 0.5}, "?review"),
        ({"review": 0.5}, "?decline"),
        ({"review": 0.8, "decline": 0.7}, "?review"),
        ({"review": -0.1, "decline": 0.7}, "?review"),
        ({"review": 0.1, "decline": 1.1}, "?decline"),
        ({"review": "nan", "decline": 0.5}, "?review"),
        ({"review": "low", "decline": 0.5}, "?review"),
        ({**WHAT_IF, "variant": ""}, "?variant"),
        ({**WHAT_IF, "missed_share": 0, "missed_fee_minor": 0}, "?missed_share"),
        ({**WHAT_IF, "review_minor": "inf"}, "?review_minor"),
        ({**WHAT_IF, "from": MAY["to"], "to": MAY["from"]}, "?from"),
        ({**WHAT_IF, "from": "0001-01-01T00:00:00Z"}, "?from"),
        ({**WHAT_IF, "from": "9999-01-01T00:00:00Z"}, "?from"),
        ({**WHAT_IF, "to": "0001-01-01T00:00:00Z"}, "?from"),
        ({**WHAT_IF, "to": "9999-12-31T00:00:00Z"}, "?from"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place(world: World, asked: Any, field: str) -> None:
    refused = world.ask("/v1/what-if", **asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_value")
    assert refused.json()["errors"][0]["field"] == field
    assert world.ledger.asked == []


def test_drift_is_asked_of_the_models_in_force_over_the_last_day() -> None:
    world = World(scorer("1", "2"))
    asked = world.question("/v1/drift")
    now = datetime(2026, 6, 8, 12, 1, tzinfo=UTC)  # the minute that is under way counts
    assert (asked.since, asked.until) == (now - timedelta(days=1), now)
    assert [(each.version, each.variants, each.sample) for each in asked.models] == [
        ("1", ["one"], SAMPLE),
        ("2", ["two"], SAMPLE),
    ]


def test_a_model_of_two_variants_is_asked_for_once() -> None:
    (asked,) = models_in(scorer("1", "1"))
    assert (asked.name, asked.variants) == ("X", ["one", "two"])
    assert models_in(None) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"from": MAY["to"], "to": MAY["from"]},
        {"from": "2026-01-01T00:00:00Z"},
        {"to": "1970-01-01T00:00:00Z"},
        {"to": "0001-01-01T00:00:00Z"},
    ],
)
def test_drift_of_too_long_or_no_time_is_refused(world: World, asked: Any) -> None:
    refused = world.ask("/v1/drift", **asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_value")


def test_who_asks_the_same_within_a_minute_gets_the_same(world: World) -> None:
    first = world.ask("/v1/quality")
    world.caller.clock_ms += 20_000
    again = world.ask("/v1/quality")
    other = world.ask("/v1/quality", review_minor=1)
    assert (first.json(), again.json(), other.json()) == ({"number": 1}, {"number": 1}, {"number": 2})
    world.caller.clock_ms += 10_000
    assert world.ask("/v1/quality").json() == {"number": 3}
