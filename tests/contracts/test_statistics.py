"""Counts are those of the rows that stand, whatever became of the transactions that wrote them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from models.errors import LedgerUnavailable
from streams.ledger.statistics import Cell, Dead, Figures, Lane, PostgresStatistics, Waiting, with_offsets
from tests.builders import NOW, label, transaction
from tests.contracts.ledger_worlds import NOBODY_LISTENS, PostgresWorld
from tests.contracts.offers import decide, label_next, offer, records
from tests.contracts.test_answers import answered

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

MINUTE = NOW.replace(second=0, microsecond=0)
REVIEW, DECLINE = 20_000, 200_000
RECOUNTED = """
    SELECT date_bin('1 minute', decided_at, 'epoch'), variant, path::text, degraded_reason,
        count(*) FILTER (WHERE decision = 'approve'), count(*) FILTER (WHERE decision = 'review'),
        count(*) FILTER (WHERE decision = 'decline')
    FROM decisions JOIN scorings USING (scoring_id) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
def world(ledger_url: str) -> Iterator[PostgresWorld]:
    world = PostgresWorld(ledger_url)
    yield world
    world.close()


@pytest.fixture
def statistics(ledger_url: str) -> Iterator[PostgresStatistics]:
    statistics = PostgresStatistics(ledger_url, 10.0, "contracts")
    yield statistics
    statistics.close()


def figures(statistics: PostgresStatistics, interval_s: int = 60) -> Figures:
    since = MINUTE.replace(hour=0, minute=0)
    return statistics.figures(since, since + timedelta(days=1), interval_s, ["transactions", "labels"])


def cells(statistics: PostgresStatistics) -> list[Cell]:
    return [cell for _, cell in figures(statistics).cells]


def recounted(world: PostgresWorld) -> list[Any]:
    with psycopg.connect(world.url, options="-c timezone=UTC") as connection:
        return [(row[0], Cell(*row[1:])) for row in connection.execute(RECOUNTED)]


def test_decisions_are_counted_by_minute_and_kind(
    world: PostgresWorld, statistics: PostgresStatistics
) -> None:
    decide(world.ledger, transaction("a"), transaction("b"), transaction("c", amount_minor=REVIEW))
    decide(world.ledger, transaction("d", amount_minor=DECLINE), degraded_reason="no_history")
    decide(world.ledger, transaction("e"), decided_at=NOW + timedelta(minutes=1))
    world.ledger.answer([answered("f")])
    found = list(figures(statistics).cells)
    assert found == recounted(world)
    assert {(at - MINUTE, cell) for at, cell in found} == {
        (timedelta(0), Cell("champion", "stream", "no_history", 0, 0, 1)),
        (timedelta(0), Cell("champion", "stream", None, 2, 1, 0)),
        (timedelta(0), Cell("champion", "rest", None, 0, 1, 0)),
        (timedelta(minutes=1), Cell("champion", "stream", None, 1, 0, 0)),
    }


def test_longer_intervals_hold_the_sums(world: PostgresWorld, statistics: PostgresStatistics) -> None:
    for number, minutes in enumerate((0, 1, 2)):
        decide(world.ledger, transaction(f"tx-{number}"), decided_at=MINUTE + timedelta(minutes=minutes))
    [(at, cell)] = figures(statistics, 3600).cells
    assert (at, cell.approve) == (MINUTE.replace(minute=0), 3)


def test_what_is_rolled_back_is_not_counted(world: PostgresWorld, statistics: PostgresStatistics) -> None:
    decide(world.ledger, transaction("b"), partition=1)
    offer(world.ledger, records(transaction("a"), transaction("b")))
    assert cells(statistics) == [Cell("champion", "stream", None, 1, 0, 0)]
    offer(world.ledger, records(transaction("a"), transaction("b")), leave_out=[1])
    assert cells(statistics) == [Cell("champion", "stream", None, 2, 0, 0)]


def test_a_claim_counts_nothing_again(world: PostgresWorld, statistics: PostgresStatistics) -> None:
    world.ledger.answer([answered("a")])
    before = cells(statistics)
    decide(world.ledger, transaction("a", amount_minor=REVIEW))
    assert cells(statistics) == before == [Cell("champion", "rest", None, 0, 1, 0)]


def test_an_answer_that_its_record_brings_is_counted_as_what_it_is(
    world: PostgresWorld, statistics: PostgresStatistics
) -> None:
    made = answered("a")
    sweep = records(transaction("b"), transaction("a", amount_minor=REVIEW))
    offer(world.ledger, sweep, answered={"a": made})
    assert sorted(cells(statistics), key=str) == [
        Cell("champion", "rest", None, 0, 1, 0),
        Cell("champion", "stream", None, 1, 0, 0),
    ]


def test_writers_at_once_lose_no_count(world: PostgresWorld, statistics: PostgresStatistics) -> None:
    """Many gateways, the same ids in part, the same minute: what stands is counted once."""

    def write(number: int) -> None:
        ledger = world.another()
        for turn in range(10):
            ledger.answer([answered(f"tx-{(number * 5 + turn) % 40}"), answered(f"own-{number}-{turn}")])

    world.at_once(*(lambda number=number: write(number) for number in range(6)))
    found = list(figures(statistics).cells)
    assert found == recounted(world)
    assert sum(cell.review for _, cell in found) == 60 + len(
        {(n * 5 + t) % 40 for n in range(6) for t in range(10)}
    )


def test_partitions_dead_letters_and_what_waits_are_told(
    world: PostgresWorld, statistics: PostgresStatistics
) -> None:
    sweep = records(transaction("a"), b"{oops")
    offer(world.ledger, sweep)
    label_next(world.ledger, label("unknown"))
    world.ledger.answer([answered("w")])
    now = psycopg.connect(world.url)
    with now:
        (moment,) = now.execute("SELECT now()").fetchone() or (NOW,)
    found = statistics.figures(
        moment - timedelta(hours=1), moment + timedelta(hours=1), 60, ["transactions", "labels"]
    )
    assert found.partitions == [Lane("labels", 0, 1), Lane("transactions", 0, 2)]
    assert found.dead_letters == [Dead("transactions", "not_json", 1)]
    assert found.unclaimed == Waiting(1, answered("w").decided.decided_at)
    assert (found.parked.count, found.parked.oldest_at is not None) == (1, True)
    assert list(figures(statistics).dead_letters) == []


def test_of_a_topic_made_again_the_new_one_is_told(
    world: PostgresWorld, statistics: PostgresStatistics
) -> None:
    decide(world.ledger, transaction("a"), transaction("b"))
    decide(world.ledger, transaction("c"), topic_id="made-again")
    assert figures(statistics).partitions == [Lane("transactions", 0, 1)]


def test_a_ledger_out_of_reach_says_so() -> None:
    away = PostgresStatistics(f"postgresql://{NOBODY_LISTENS}/nowhere", 2.0, "contracts")
    with pytest.raises(LedgerUnavailable):
        figures(away)


def test_what_kafka_says_goes_with_its_partition() -> None:
    ledger = [Lane("transactions", 0, 5)]
    told = with_offsets(ledger, {("transactions", 0): (4, 9), ("transactions", 1): (None, 2)})
    assert told == [Lane("transactions", 0, 5, 4, 9, 4), Lane("transactions", 1, 0, None, 2, 2)]
    assert with_offsets(ledger, {}) == ledger
