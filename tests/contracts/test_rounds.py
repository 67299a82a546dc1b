"""What the background check has found is kept for a while, and the newest is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from models.errors import LedgerUnavailable
from streams.ledger import rounds
from streams.ledger.rounds import PostgresRounds, Round
from streams.ledger.statistics import PostgresStatistics
from streams.reconcile.outcome import CHECKS, Outcome
from streams.reconcile.range import Range
from tests.contracts.ledger_worlds import NOBODY_LISTENS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

DAY = datetime(2018, 6, 1, tzinfo=UTC)


@pytest.fixture
def kept(ledger_url: str) -> Iterator[PostgresRounds]:
    kept = PostgresRounds(ledger_url, 10.0, "contracts")
    yield kept
    kept.close()


def newest(url: str) -> Round | None:
    statistics = PostgresStatistics(url, 10.0, "contracts")
    try:
        return statistics.figures(DAY, DAY + timedelta(days=1), 60, []).reconciled
    finally:
        statistics.close()


def rows(url: str, what: str) -> list[Any]:
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        return connection.execute(f"SELECT {what} FROM reconcile_rounds ORDER BY round_id").fetchall()


def outcome(*found: str, records: int = 10) -> Outcome:
    made = Outcome(Range(), records=records, explained=records)
    for name in found:
        made.checks[name].find("something")
    return made


def test_before_the_first_round_there_is_none(ledger_url: str) -> None:
    assert newest(ledger_url) is None


def test_the_newest_round_is_told_with_what_it_found(kept: PostgresRounds, ledger_url: str) -> None:
    kept.add(outcome("rows", "alerts", "alerts"), 1.5)
    kept.add(outcome("labels"), 0.25)
    told = newest(ledger_url)
    assert told is not None
    assert (told.findings, told.took_s) == (1, 0.25)
    assert [told.finished_at] == [moment for (moment,) in rows(ledger_url, "finished_at")][1:]


def test_a_round_says_what_it_covered_and_what_each_check_found(
    kept: PostgresRounds, ledger_url: str
) -> None:
    made = outcome("alerts", "alerts")
    made.checks["rows"].checked = 7
    kept.add(made, 1.0)
    ((checks, records, proven, findings),) = rows(ledger_url, "checks, records, proven, findings")
    assert (records, proven, findings) == (10, 8, 2)
    assert checks["rows"] == {"checked": 7, "findings": 0}
    assert {name: each["findings"] for name, each in checks.items()} == {
        name: 2 if name == "alerts" else 0 for name in CHECKS
    }


def test_only_the_newest_are_kept(
    kept: PostgresRounds, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MOST_ROUNDS", 3)
    for number in range(5):
        kept.add(outcome(records=number), 1.0)
    assert rows(ledger_url, "records") == [(2,), (3,), (4,)]


def test_a_ledger_out_of_reach_says_so() -> None:
    away = PostgresRounds(f"postgresql://{NOBODY_LISTENS}/nowhere", 2.0, "contracts")
    with pytest.raises(LedgerUnavailable):
        away.add(outcome(), 1.0)
