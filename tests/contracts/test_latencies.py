"""Latencies in the ledger: nothing is counted twice, and every span of time holds the sum of its minutes."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest

from api.statistics import INTERVALS_S
from models.errors import LedgerUnavailable
from models.latency import OVER, Counts, counts_of
from streams.latency_log import LatencyLog
from streams.ledger.latencies import SPANS_S, PostgresLatencies, Taken
from streams.ledger.statistics import PostgresStatistics
from streams.parts import Parts
from tests.builders import scorer, sweep_of, transaction
from tests.contracts.ledger_worlds import END_OTHER_SESSIONS, NOBODY_LISTENS, together
from tests.stores import Stores

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

DAY = datetime(2018, 6, 1, tzinfo=UTC)
DAY_S = int(DAY.timestamp())


@pytest.fixture
def latencies(ledger_url: str) -> Iterator[PostgresLatencies]:
    latencies = PostgresLatencies(ledger_url, 10.0, "contracts")
    yield latencies
    latencies.close()


@pytest.fixture
def statistics(ledger_url: str) -> Iterator[PostgresStatistics]:
    statistics = PostgresStatistics(ledger_url, 10.0, "contracts")
    yield statistics
    statistics.close()


def minutes(**seconds: list[float]) -> Mapping[int, Counts]:
    """By the minute of the day, written m5."""
    return {DAY_S + 60 * int(name[1:]): counts_of(values) for name, values in seconds.items()}


def taken(statistics: PostgresStatistics, interval_s: int = 60, days: int = 1) -> list[Taken]:
    return list(statistics.figures(DAY, DAY + timedelta(days=days), interval_s, []).latencies)


def shown(found: list[Taken]) -> list[tuple[int, str, dict[int, int]]]:
    """By the minute of the day."""
    return [
        (
            (each.at - DAY) // timedelta(minutes=1),
            each.path,
            {bucket: count for bucket, count in enumerate(each.counts.tolist()) if count},
        )
        for each in found
    ]


def test_counts_are_added_by_minute_path_and_bucket(
    latencies: PostgresLatencies, statistics: PostgresStatistics
) -> None:
    latencies.add("stream", minutes(m0=[0.005, 0.005, 0.03], m1=[100.0]))
    latencies.add("stream", minutes(m1=[100.0, -1.0]))
    latencies.add("rest", minutes(m1=[0.005]))
    five, thirty = (int(np.flatnonzero(counts_of([each]))[0]) for each in (0.005, 0.03))
    assert shown(taken(statistics)) == [
        (0, "stream", {five: 2, thirty: 1}),
        (1, "rest", {five: 1}),
        (1, "stream", {0: 1, 124: 2}),
    ]


@pytest.mark.parametrize("interval_s", INTERVALS_S)
def test_every_interval_holds_the_sum_of_its_minutes(
    latencies: PostgresLatencies, statistics: PostgresStatistics, interval_s: int
) -> None:
    came: dict[str, list[float]] = {f"m{minute}": [0.004, 0.02] for minute in range(0, 2880, 7)}
    latencies.add("stream", minutes(**came))
    found = taken(statistics, interval_s, days=2)
    expected: dict[int, int] = {}
    for name in came:
        first = int(name[1:]) * 60 // interval_s * interval_s // 60
        expected[first] = expected.get(first, 0) + 2
    assert {minute: sum(counts.values()) for minute, _, counts in shown(found)} == expected


def test_months_are_read_in_few_rows(
    latencies: PostgresLatencies, statistics: PostgresStatistics, ledger_url: str
) -> None:
    """A day of minutes, of which each longer span has but one row per bucket."""
    latencies.add("stream", minutes(**{f"m{minute}": [0.004] for minute in range(1440)}))
    with psycopg.connect(ledger_url) as connection:
        rows = connection.execute(
            "SELECT span_s, count(*), sum(count) FROM latency_counts GROUP BY 1"
        ).fetchall()
    assert {span_s: (many, int(total)) for span_s, many, total in rows} == {
        60: (1440, 1440),
        900: (96, 1440),
        14_400: (6, 1440),
    }
    assert sorted(span_s for span_s, _, _ in rows) == list(SPANS_S)


def test_writers_at_once_lose_no_count(ledger_url: str, statistics: PostgresStatistics) -> None:
    def write(path: Any) -> None:
        mine = PostgresLatencies(ledger_url, 10.0, "contracts")
        for _ in range(20):
            mine.add(path, minutes(m0=[0.004, 0.02], m1=[0.004]))
        mine.close()

    found = together([lambda path=path: write(path) for path in ("stream", "rest") * 3])  # type: ignore[misc]
    assert found == [None] * 6
    sums = [(minute, path, sum(counts.values())) for minute, path, counts in shown(taken(statistics))]
    assert sums == [(0, "rest", 120), (0, "stream", 120), (1, "rest", 60), (1, "stream", 60)]


def test_what_could_not_be_written_is_written_once_the_ledger_is_back(
    latencies: PostgresLatencies, statistics: PostgresStatistics, ledger_url: str
) -> None:
    log = LatencyLog("stream", latencies)
    log.add([0.004], DAY_S)
    log.write()
    with psycopg.connect(ledger_url) as operator:
        operator.execute(END_OTHER_SESSIONS)
    log.add([0.004, 0.02], DAY_S)
    with pytest.raises(LedgerUnavailable):
        log.write()
    log.write()
    assert [sum(counts.values()) for _, _, counts in shown(taken(statistics))] == [3]


def test_what_a_worker_has_timed_is_in_the_ledger_when_it_has_ended(
    stores: Stores, ledger_url: str, view_url: str, statistics: PostgresStatistics
) -> None:
    parts = Parts(stores.settings.model_copy(update={"database_url": ledger_url, "redis_url": view_url}))
    parts.watcher.scorer = scorer()
    parts.refused_marks.start()
    parts.latency_log.start()
    parts.opened.set()
    parts.lanes[0].transactions.handle(sweep_of(transaction("a"), transaction("b")))
    parts.close()
    until = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    (found,) = statistics.figures(until - timedelta(minutes=10), until, 300, []).latencies
    assert (found.path, found.counts[OVER], found.counts.sum()) == ("stream", 2, 2)


def test_a_ledger_out_of_reach_says_so() -> None:
    away = PostgresLatencies(f"postgresql://{NOBODY_LISTENS}/nowhere", 2.0, "contracts")
    with pytest.raises(LedgerUnavailable):
        away.add("rest", minutes(m0=[0.004]))


def test_figures_tell_when_they_were_counted_by_the_ledgers_clock(
    statistics: PostgresStatistics, ledger_url: str
) -> None:
    def asked() -> datetime:
        return statistics.figures(DAY, DAY + timedelta(days=1), 60, []).counted_at

    with psycopg.connect(ledger_url, autocommit=True, options="-c timezone=UTC") as clock:
        moments = []
        for _ in range(2):
            moments += [row[0] for row in clock.execute("SELECT clock_timestamp()")] + [asked()]
    assert moments == sorted(set(moments))
