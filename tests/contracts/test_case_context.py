"""Around a case in Postgres: the right rows, no more of them than a caller can wait for, by the index."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest

from api.case_context import context_of
from models.errors import LedgerUnavailable, NotFound
from models.features import Entity
from models.surroundings import Seen
from models.transaction import time_of_ms
from streams.ledger import timelines
from streams.ledger.case_context import EntityContext, PostgresCaseContext
from streams.ledger.rules import POLICY as POLICIES
from streams.ledger.rules import PostgresRules
from streams.ledger.timelines import Bounds
from tests.builders import NOON_MS, NOW, POLICY, label, scorer, transaction
from tests.contracts.ledger_worlds import NOBODY_LISTENS, TIMEOUT_S, PostgresWorld
from tests.contracts.offers import decide, label_next
from tests.contracts.test_answers import answered

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

REVIEW = 20_000
NOON = time_of_ms(NOON_MS)
MIDNIGHT = NOON.replace(hour=0)
LONG_AFTER = datetime(2200, 1, 1, tzinfo=UTC)
MIDDLE = Seen("case", "c-1", "t-1", NOON, NOW, REVIEW, "review", 0.5)
SAME_HASH = """
    SELECT array_agg(name) FROM (SELECT 'c-' || n AS name FROM generate_series(1, 400000) AS n) AS names
    GROUP BY hashtext(name) HAVING count(*) > 1 LIMIT 1
"""


@pytest.fixture
def world(ledger_url: str) -> Iterator[PostgresWorld]:
    with closing(PostgresWorld(ledger_url)) as world:
        yield world


@pytest.fixture
def contexts(ledger_url: str) -> Iterator[PostgresCaseContext]:
    with closing(PostgresCaseContext(ledger_url, TIMEOUT_S, "contracts")) as contexts:
        yield contexts


def case(world: PostgresWorld, name: str = "case", **fields: Any) -> str:
    decided_at = fields.pop("decided_at", NOW)
    decide(world.ledger, transaction(name, amount_minor=REVIEW, **fields), decided_at=decided_at)
    return name


def names(entity: EntityContext) -> list[str]:
    return [each.transaction_id for each in entity.timeline.rows]


def test_all_of_the_customer_and_all_of_the_terminal_are_told(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    decide(
        world.ledger,
        transaction("both", day=-3),
        transaction("customers", day=-2, terminal_id="t-2"),
        transaction("terminals", day=-1, customer_id="c-2"),
        transaction("neither", day=-1, customer_id="c-2", terminal_id="t-2"),
        transaction("after", day=0.001),
    )
    found = contexts.facts(case(world))
    assert names(found.customer) == ["after", "case", "customers", "both"]
    assert names(found.terminal) == ["after", "case", "terminals", "both"]
    assert [each.after for each in found.customer.timeline.rows] == [True, False, False, False]
    assert (found.customer.id, found.terminal.id) == ("c-1", "t-1")
    assert (found.customer.normal.transactions, found.customer.normal.amount_percentile) == (2, 100.0)


def test_ninety_days_before_and_thirty_after_are_looked_at(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    days = (-91, -90, -89.9, 30, 30.4, 31)
    decide(world.ledger, *(transaction(f"{day:+}", day=day) for day in days))
    timeline = contexts.facts(case(world)).customer.timeline
    assert [each.transaction_id for each in timeline.rows] == ["+30.4", "+30", "case", "-89.9", "-90"]
    span = (MIDNIGHT - timedelta(days=90), MIDNIGHT + timedelta(days=31))
    assert (timeline.since, timeline.until, timeline.truncated) == (*span, False)
    assert (len(timeline.days), sum(each.transactions for each in timeline.days)) == (121, 5)


@pytest.mark.parametrize(("now", "days"), [(-1, 0), (0, 0), (2, 2), (30, 30), (400, 30)])
def test_days_that_have_not_come_are_not_told(world: PostgresWorld, now: int, days: int) -> None:
    """Nor is the transaction's own left out, whatever the clock says."""
    with world.another()._connector.use() as connection:
        found = timelines.around(connection, "customer", MIDDLE, NOON + timedelta(days=now))
    assert found.until == MIDNIGHT + timedelta(days=1 + days)


def test_normal_is_what_was_known_then_and_the_timeline_what_is_known(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    """The first case is decided before any label comes, the second one after."""
    decide(world.ledger, transaction("a", day=-2), transaction("b", day=-1))
    case(world, "early")
    label_next(world.ledger, label("a"), label("b"), label("b", version=2, label="genuine"))
    case(world, "late", day=0.01, decided_at=LONG_AFTER)
    decide(world.ledger, transaction("too late", day=-1), decided_at=LONG_AFTER + timedelta(hours=1))
    early, late = contexts.facts("early").terminal, contexts.facts("late").terminal
    assert (early.normal.transactions, early.normal.known_frauds) == (2, 0)
    assert (late.normal.transactions, late.normal.known_frauds) == (3, 1)
    for each in (early, late):
        labels = {row.transaction_id: row.label for row in each.timeline.rows}
        assert labels == {"late": None, "early": None, "b": "genuine", "too late": None, "a": "fraud"}
        assert sum(day.frauds for day in each.timeline.days) == 1


def test_more_than_is_looked_at_is_left_out_and_said(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    before = [transaction(f"b-{n}", day=-n) for n in range(1, 8)]
    after = [transaction(f"a-{n}", day=n) for n in range(1, 5)]
    decide(world.ledger, *before, *after)
    found = contexts.facts(case(world), Bounds(before=4, after=2)).customer
    assert names(found) == ["a-2", "a-1", "case", "b-1", "b-2", "b-3"]
    assert found.timeline.truncated
    assert (found.timeline.since, found.timeline.until) == (
        NOON - timedelta(days=4) + timedelta(milliseconds=1),
        NOON + timedelta(days=3),
    )
    assert [each.transactions for each in found.timeline.days] == [1] * 6
    assert (found.normal.truncated, found.normal.transactions) == (True, 3)
    whole = contexts.facts("case", Bounds(before=8, after=4)).customer
    assert (whole.timeline.truncated, whole.normal.truncated, len(whole.timeline.rows)) == (False, False, 12)


def test_two_customers_of_one_hash_are_told_apart(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    with psycopg.connect(world.url) as connection:
        row = connection.execute(SAME_HASH).fetchone()
        assert row is not None
        mine, other = row[0][:2]
    decide(world.ledger, transaction("mine", customer_id=mine), transaction("other", customer_id=other))
    assert names(contexts.facts(case(world, customer_id=mine, day=0.1)).customer) == ["case", "mine"]


@pytest.mark.parametrize("entity", ["customer", "terminal"])
@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
def test_of_many_no_more_is_read_than_is_asked_for(
    world: PostgresWorld, entity: Entity, is_before: bool
) -> None:
    """6,000 in 60 days, without statistics on them: what is read ends with the day that is enough."""
    for first in range(0, 6000, 2000):
        decide(world.ledger, *(transaction(f"tx-{n}", day=n / 100) for n in range(first, first + 2000)))
    middle = MIDDLE._replace(event_time=NOON + timedelta(days=30))
    ledger = world.another()
    with ledger._connector.use() as connection:
        plan = explained(connection, entity, middle, is_before)
    scans = [node for node in nodes(plan) if node.get("Index Name") == f"decisions_of_{entity}"]
    assert len(scans) == 1
    assert 150 < sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= 151 + 100


def explained(connection: Any, entity: Entity, middle: Seen, is_before: bool) -> Any:
    """The plan of what `timelines` asks, as it was carried out."""

    class Explaining:
        def execute(self, query: str, values: Any) -> Any:
            self.plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", values).fetchone()[0]
            return []

    explaining = Explaining()
    timelines._look(explaining, entity, middle, 90 if is_before else 30, 150, is_before)  # type: ignore[arg-type]
    return explaining.plan[0]["Plan"]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


def test_the_policy_that_decided_is_told_once_it_is_kept(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    case(world)
    assert contexts.facts("case").policy is None
    with closing(PostgresRules(world.url, TIMEOUT_S, "contracts")) as rules:
        rules.keep(POLICIES, POLICY)
    assert contexts.facts("case").policy == POLICY


def test_the_model_that_decided_says_the_same_again(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    facts = contexts.facts(case(world))
    [opinion] = context_of(facts, scorer()).variants
    assert (opinion.model_name, opinion.model_version) == ("FraudDetection_XGBoost", "7")
    assert (opinion.score, opinion.decided) == (facts.decided.score, True)


def test_a_decision_by_rest_has_its_features_too(world: PostgresWorld, contexts: PostgresCaseContext) -> None:
    made = answered("case")
    world.ledger.answer([made])
    facts = contexts.facts("case")
    assert np.array_equal(np.frombuffer(facts.features, "<f4"), made.features)
    assert names(facts.customer) == ["case"]


def test_what_was_approved_or_never_decided_has_no_context(
    world: PostgresWorld, contexts: PostgresCaseContext
) -> None:
    decide(world.ledger, transaction("approved"))
    for name in ("approved", "nothing"):
        with pytest.raises(NotFound):
            contexts.facts(name)


def test_a_ledger_out_of_reach_says_so() -> None:
    away = PostgresCaseContext(f"postgresql://{NOBODY_LISTENS}/nowhere", 2.0, "contracts")
    with closing(away), pytest.raises(LedgerUnavailable):
        away.facts("case")
