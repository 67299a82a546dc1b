"""What became of decisions is read from the newest label on, a sample of decisions fairly, and neither reads
more than it may; a process of its own answers from both."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import psycopg
import pytest

from deploy import migrations
from models.ab_test import create_default_ab_config
from models.costs import Costs
from models.errors import LedgerUnavailable, NoTimeLeft, TooWide, Unavailable
from models.features import FEATURE_NAMES
from models.training_sample import training_sample
from models.transaction import time_of_ms
from streams.ledger.newest_outcomes import MOST_LEVELS, OF_LEVEL, NewestOutcomes, PostgresQuality
from streams.ledger.outcomes import outcomes_of
from streams.quality.apart import QualityApart
from streams.quality.documents import Drift, Quality, WhatIf
from streams.quality.questions import DriftQuestion, ModelInForce, QualityQuestion, WhatIfQuestion
from tests.builders import NOON_MS, NOW, label, transaction
from tests.contracts.ledger_worlds import NOBODY_LISTENS, PostgresWorld
from tests.contracts.offers import SCORING, decide, label_next
from tests.stores import Stores

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

NOON = time_of_ms(NOON_MS)
IN_FORCE = create_default_ab_config()
MODEL = ("FraudDetection_XGBoost", "7")
A_DAY = (NOW - timedelta(hours=1), NOW + timedelta(hours=23))


@pytest.fixture
def world(ledger_url: str) -> Iterator[PostgresWorld]:
    world = PostgresWorld(ledger_url)
    yield world
    world.close()


@pytest.fixture
def quality(ledger_url: str) -> Iterator[PostgresQuality]:
    with closing(PostgresQuality(ledger_url, 10.0, "contracts")) as quality:
        yield quality


def day(number: float) -> datetime:
    return NOON + timedelta(days=number)


def found(quality: PostgresQuality, most: int = 100, since: float = -1, until: float = 100) -> NewestOutcomes:
    return quality.newest_outcomes(day(since), day(until), "ab-1", most)


def amounts(quality: PostgresQuality, **asked: Any) -> list[int]:
    return [*map(int, found(quality, **asked).labelled.amount_minor)]


def fill(world: PostgresWorld, many: int) -> None:
    """One a day, each with an amount of its own, all labelled, every third a fraud."""
    decide(
        world.ledger,
        *(transaction(f"tx-{n}", day=n, amount_minor=n, customer_id=f"c-{n % 4}") for n in range(many)),
    )
    label_next(world.ledger, *(label(f"tx-{n}", label="genuine" if n % 3 else "fraud") for n in range(many)))


# Labelled decisions.


def test_they_are_what_a_long_read_finds(world: PostgresWorld, quality: PostgresQuality) -> None:
    fill(world, 12)
    label_next(world.ledger, label("tx-1", version=2), label("tx-2", version=2, label="unknown"))
    mine = found(quality, since=1, until=9)
    theirs = outcomes_of(world.url, 10.0, day(1), day(9), NOW + timedelta(days=5000), "ab-1")
    assert (mine.truncated, mine.since, len(mine.labelled)) == (False, day(1), 7)
    for name in ("event_time_ms", "customer_id", "amount_minor", "variant", "verdict", "score", "fraud"):
        assert list(getattr(mine.labelled, name)) == list(getattr(theirs, name)), name
    assert (mine.labelled.variants, mine.labelled.models) == (theirs.variants, theirs.models)
    assert mine.labelled.models == {"champion": ["FraudDetection_XGBoost@7"]}


def test_the_time_is_that_of_the_transaction_not_of_the_label(
    world: PostgresWorld, quality: PostgresQuality
) -> None:
    fill(world, 4)
    assert amounts(quality, since=1, until=3) == [1, 2]


def test_of_two_versions_the_latest_counts_even_if_it_comes_first(
    world: PostgresWorld, quality: PostgresQuality
) -> None:
    decide(world.ledger, transaction("a"), transaction("b", amount_minor=2))
    label_next(world.ledger, label("a", version=2, label="genuine"), label("b", version=1))
    label_next(world.ledger, label("a", version=1), label("b", version=2, label="unknown"))
    only = found(quality).labelled
    assert (only.amount_minor.tolist(), only.fraud.tolist()) == ([1999], [0])


def test_what_is_late_degraded_or_of_another_split_is_left_out(
    world: PostgresWorld, quality: PostgresQuality
) -> None:
    decide(world.ledger, transaction("whole", amount_minor=1))
    decide(world.ledger, transaction("degraded"), degraded_reason="no_history")
    decide(world.ledger, transaction("late"), late=np.ones(1, np.bool_))
    decide(world.ledger, transaction("other"), scorings=(SCORING._replace(ab_version="ab-2"),))
    decide(world.ledger, transaction("unlabelled"))
    label_next(world.ledger, *map(label, ("whole", "degraded", "late", "other")))
    assert amounts(quality) == [1]


def test_too_many_labels_leave_the_oldest_out_and_say_so(
    world: PostgresWorld, quality: PostgresQuality
) -> None:
    fill(world, 6)
    newest = found(quality, most=4)
    assert newest.labelled.amount_minor.tolist() == [2, 3, 4, 5]
    assert (newest.truncated, newest.since) == (True, day(1))
    all_of_them = found(quality, most=6)
    assert (all_of_them.truncated, len(all_of_them.labelled)) == (False, 6)


def test_without_any_there_is_nothing(quality: PostgresQuality) -> None:
    nothing = found(quality)
    assert (len(nothing.labelled), nothing.truncated, nothing.labelled.variants) == (0, False, [])


def test_labels_of_before_are_given_the_time_of_their_transaction(stores: Stores) -> None:
    server = stores.settings.database_url.rpartition("/")[0]
    settings = stores.settings.model_copy(update={"database_url": f"{server}/labels_of_before"})
    with psycopg.connect(stores.settings.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE labels_of_before")
    migrations.upgrade(settings, BEFORE)
    with psycopg.connect(settings.database_url, options="-c timezone=UTC") as connection:
        connection.execute(DECISION_OF_BEFORE)
        connection.execute(LABEL_OF_BEFORE)
    migrations.upgrade(settings)
    with psycopg.connect(settings.database_url) as connection:
        times = connection.execute("SELECT transaction_time = '2026-01-02Z' FROM labels").fetchall()
    assert times == [(True,)]


BEFORE = "0008"
DECISION_OF_BEFORE = """
    INSERT INTO decisions (
        transaction_id, customer_id, terminal_id, amount_minor, currency, event_time, decided_at, score,
        scoring_id, decision, path, late, features
    ) VALUES ('a', 'c', 't', 1, 'EUR', '2026-01-02Z', '2026-01-03Z', 0, 1, 'approve', 'rest', false, '')
"""
LABEL_OF_BEFORE = """
    INSERT INTO labels (
        transaction_id, version, label_id, label, source, event_time, delta, incarnation, partition, "offset"
    ) VALUES ('a', 1, 'l', 'fraud', 'report', '2026-01-09Z', 1, 1, 0, 0)
"""


# A sample of decisions.


def drawn(quality: PostgresQuality, most: int = 1000, looked_at: int = 1000) -> dict[Any, list[float]]:
    """Their amounts, by model."""
    sample = quality.drawn(*A_DAY, [MODEL], most, looked_at)
    column = FEATURE_NAMES.index("amount_minor")
    return {model: sorted(rows[:, column].tolist()) for model, rows in sample.features.items()}


def test_a_few_decisions_are_all_drawn_but_for_late_and_degraded_ones_and_those_of_others(
    world: PostgresWorld, quality: PostgresQuality
) -> None:
    decide(world.ledger, *(transaction(f"tx-{n}", amount_minor=n) for n in range(5)))
    decide(world.ledger, transaction("degraded"), degraded_reason="no_history")
    decide(world.ledger, transaction("late"), late=np.ones(1, np.bool_))
    decide(world.ledger, transaction("other"), scorings=(SCORING._replace(model_version="8"),))
    decide(world.ledger, transaction("before"), decided_at=NOW - timedelta(days=1))
    assert drawn(quality) == {MODEL: [0, 1, 2, 3, 4]}
    assert quality.drawn(*A_DAY, []).features == {}
    assert quality.drawn(*A_DAY, [MODEL]).decisions == 8


def test_many_decisions_are_drawn_fairly_from_few_that_are_looked_at(
    world: PostgresWorld, quality: PostgresQuality
) -> None:
    """Each as likely as any other: a mean lies where it would by chance, whatever the level."""
    many = 4000
    decide(world.ledger, *(transaction(f"tx-{n}", amount_minor=n) for n in range(many)))
    for most, looked_at, low, high in (
        (400, many, 400, 400),
        (many, many // 8, 400, 600),
        (many, 70, 30, 95),
    ):
        (found,) = drawn(quality, most, looked_at).values()
        assert low <= len(found) <= high
        assert len(set(found)) == len(found)
        spread = many / np.sqrt(12 * len(found))
        assert abs(np.mean(found) - many / 2) < 3 * spread
    assert drawn(quality, 400) == drawn(quality, 400)


def test_every_level_holds_a_part_of_the_one_below(world: PostgresWorld, quality: PostgresQuality) -> None:
    decide(world.ledger, *(transaction(f"tx-{n}", amount_minor=n) for n in range(4000)))
    levels = [set(drawn(quality, 4000, looked_at).get(MODEL, [])) for looked_at in (4000, 500, 63, 8, 1)]
    assert all(higher <= lower for lower, higher in pairwise(levels))
    assert [len(each) for each in levels[:3]] == sorted((len(each) for each in levels[:3]), reverse=True)


def test_a_level_is_read_by_its_index(world: PostgresWorld, quality: PostgresQuality) -> None:
    query = f"EXPLAIN SELECT features FROM decisions WHERE {OF_LEVEL} AND decided_at >= now()"
    with psycopg.connect(world.url) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        plan = connection.execute(query, {"levels": list(range(2, MOST_LEVELS + 1))}).fetchall()
    told = "\n".join(line for (line,) in plan)
    assert "decisions_drawn" in told
    assert "ANY" in told.split("Index Cond:")[1].split("Filter:")[0]


# What fails.


def test_what_takes_too_long_asks_for_less(world: PostgresWorld, quality: PostgresQuality) -> None:
    with quality._connector.use() as connection:
        connection.execute("SET lock_timeout = 0")
        connection.execute("SET statement_timeout = 50")
    with psycopg.connect(world.url) as operator:
        operator.execute("LOCK TABLE decisions IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TooWide):
            found(quality)
        with pytest.raises(TooWide):
            drawn(quality)
    assert len(found(quality).labelled) == 0


def test_a_ledger_out_of_reach_says_so() -> None:
    away = PostgresQuality(f"postgresql://{NOBODY_LISTENS}/nowhere", 2.0, "contracts")
    with closing(away), pytest.raises(LedgerUnavailable):
        found(away)


# A process of its own.

ASKED = QualityQuestion(since=day(-1), until=day(100), costs=Costs())
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'fraudml-quality' AND wait_event_type = 'Lock'
"""


@pytest.fixture
def apart(ledger_url: str) -> Iterator[QualityApart]:
    apart = QualityApart(ledger_url, 10.0, 60.0)
    yield apart
    apart.close()


def test_a_process_of_its_own_answers_what_is_asked(world: PostgresWorld, apart: QualityApart) -> None:
    in_force = SCORING._replace(ab_version=IN_FORCE.version)
    decide(
        world.ledger,
        *(transaction(f"tx-{n}", day=n, customer_id=f"c-{n}", amount_minor=n * 5000) for n in range(30)),
        scorings=(in_force,),
    )
    label_next(world.ledger, *(label(f"tx-{n}", label="fraud" if n > 19 else "genuine") for n in range(30)))
    told = msgspec.json.decode(apart.answer(ASKED), type=Quality)
    (champion,) = told.variants
    assert (champion.transactions, champion.frauds, told.without_labels) == (30, 10, ["challenger"])
    assert champion.auc_roc is not None
    assert champion.auc_roc.value == 1.0
    what = WhatIfQuestion(
        since=day(-1), until=day(100), costs=Costs(), review=0.0, decline=1.0, variant="champion"
    )
    answer = msgspec.json.decode(apart.answer(what), type=WhatIf)
    assert answer.asked is not None
    assert (answer.days, answer.asked.reviews_per_day, answer.asked.frauds_missed) == (30, 1.0, 0)
    sample = training_sample(np.zeros((100, len(FEATURE_NAMES)), np.float32))
    model = ModelInForce(name=MODEL[0], version=MODEL[1], variants=["champion"], sample=sample)
    drift = msgspec.json.decode(
        apart.answer(DriftQuestion(since=A_DAY[0], until=A_DAY[1], models=[model])), type=Drift
    )
    (of_model,) = drift.models
    assert (drift.decisions, of_model.rows, of_model.training_rows) == (30, 30, 100)
    assert (of_model.features[0].feature, of_model.features[0].band) == ("amount_minor", "significant")


def test_an_empty_ledger_is_no_error(apart: QualityApart) -> None:
    told = msgspec.json.decode(apart.answer(ASKED), type=Quality)
    assert (told.labelled, told.variants) == (0, [])
    assert told.why


def test_what_stopped_it_is_told_by_name(ledger_url: str) -> None:
    away = QualityApart(f"postgresql://{NOBODY_LISTENS}/nowhere", 2.0, 60.0)
    with closing(away), pytest.raises(LedgerUnavailable):
        away.answer(ASKED)
    hurried = QualityApart(ledger_url, 10.0, 0.01)
    with closing(hurried), pytest.raises(NoTimeLeft):
        hurried.answer(ASKED)


def test_once_it_is_closed_nothing_begins(apart: QualityApart) -> None:
    apart.close()
    with pytest.raises(Unavailable, match="being stopped"):
        apart.answer(ASKED)


def test_closing_ends_what_is_under_way(world: PostgresWorld, apart: QualityApart) -> None:
    """A lock holds it up; nobody waits for it."""

    def ask() -> bytes:
        return apart.answer(ASKED)

    def close_when_it_waits() -> None:
        with psycopg.connect(world.url, autocommit=True) as looking:
            while not looking.execute(WAITING).fetchone()[0]:  # type: ignore[index]
                pass
        apart.close()

    with psycopg.connect(world.url) as operator:
        operator.execute("LOCK TABLE labels IN ACCESS EXCLUSIVE MODE")
        told, _ = world.at_once(ask, close_when_it_waits)
    assert isinstance(told, Unavailable)
