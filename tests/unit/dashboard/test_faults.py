"""What is wrong is said in plain words, with what to do, the most urgent first."""

from datetime import datetime
from typing import Any

import pytest

from dashboard.fault_banner import on_fault_banner
from dashboard.faults import Fault, faults_of
from dashboard.headway import Place, Way
from dashboard.recent import Recent
from tests.unit.dashboard.asked import lane, said, stats

WELL = Way(100.0, 0.0, grows=False)
STILL = Way(0.0, 40.0, grows=False)
GROWS = Way(100.0, 0.0, grows=True)
CELL = {"variant": "champion", "path": "rest", "approve": 90, "review": 8, "decline": 2}


def _recent(ways: dict[Place, Way] | None = None, **other: Any) -> Recent:
    told = stats(**other)
    usual = {(each["topic"], each["partition"]): WELL for each in told["partitions"]}
    return Recent(told, {**usual, **(ways or {})}, datetime.fromisoformat(told["counted_at"]))


def _only(recent: Recent) -> Fault:
    (fault,) = faults_of(recent)
    return fault


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    assert faults_of(_recent()) == []


def test_kafka_that_cannot_be_asked_is_a_fault() -> None:
    fault = _only(_recent(unavailable=["kafka"], partitions=[lane(lag=None)]))
    assert fault.what == "Kafka cannot be asked: what waits is not known"
    assert "fraudml logs kafka" in fault.next_step
    assert fault.urgent


def test_a_partition_that_stands_still_is_named() -> None:
    ways = {("transactions", 1): STILL, ("labels", 0): STILL}
    lanes = [lane(0), lane(1, lag=50), lane(0, lag=9, topic="labels")]
    fault = _only(_recent(ways, partitions=lanes))
    assert fault.what == "labels 0 and transactions 1 stand still for 40 s with records that wait"
    assert "dlq stopped" in fault.next_step


def test_one_that_has_stood_for_a_moment_is_no_fault() -> None:
    ways = {("transactions", 0): Way(0.0, 29.0, grows=False)}
    assert faults_of(_recent(ways, partitions=[lane(lag=50)])) == []


@pytest.mark.parametrize(
    ("lag", "way", "found"), [(9_999, WELL, 0), (10_000, WELL, 1), (999, GROWS, 0), (1_000, GROWS, 1)]
)
def test_a_lag_above_its_bound_or_one_that_grows_is_a_fault(lag: int, way: Way, found: int) -> None:
    faults = faults_of(_recent({("transactions", 0): way}, partitions=[lane(lag=lag)]))
    assert len(faults) == found
    assert [fault.urgent for fault in faults] == [way.grows] * found


def test_a_lag_that_grows_where_one_stands_still_asks_for_no_workers() -> None:
    ways = {("transactions", 0): Way(0.0, 40.0, grows=True)}
    fault = _only(_recent(ways, partitions=[lane(lag=5_000)]))
    assert "stand still" in fault.what


def test_what_waits_where_one_stands_still_is_not_told_twice() -> None:
    lanes = [lane(0, lag=50_000), lane(1, lag=11_000)]
    faults = faults_of(_recent({("transactions", 0): STILL}, partitions=lanes))
    assert [fault.what.split()[0] for fault in faults] == ["transactions", "11,000"]


def test_the_lag_is_that_of_a_topic() -> None:
    lanes = [lane(0, lag=6_000), lane(1, lag=6_000), lane(0, lag=6_000, topic="labels")]
    assert _only(_recent(partitions=lanes)).what == "12,000 records of transactions wait"


def test_decisions_with_less_than_everything_are_counted_by_reason() -> None:
    cells = [
        {**CELL, "degraded_reason": reason}
        for reason in (None, "no_history", "no_history", "no_model", "else")
    ]
    faults = faults_of(_recent(points=[{"cells": cells[:2]}, {"cells": cells[2:]}]))
    assert [fault.what.split()[0] for fault in faults] == ["200", "100", "100"]
    assert "no_history" in faults[0].what
    assert "Redis" in faults[0].next_step
    assert "promoted" in faults[1].next_step
    assert "fraudml logs" in faults[2].next_step


def test_no_model_in_force_is_a_fault() -> None:
    assert "by the amount alone" in _only(_recent(in_force=None)).what


def test_what_the_background_check_finds_is_urgent() -> None:
    fault = _only(_recent(reconcile={"finished_at": "2026-06-01T12:00:00Z", "findings": 3, "took_s": 0.1}))
    assert fault.urgent
    assert fault.what == "The background check has 3 findings"


@pytest.mark.parametrize(("at", "found"), [("2026-06-01T11:55:31Z", 0), ("2026-06-01T11:55:29Z", 1)])
def test_five_minutes_without_a_round_are_a_fault(at: str, found: int) -> None:
    told = {"finished_at": at, "findings": 0, "took_s": 0.1}
    faults = faults_of(_recent(reconcile=told))
    assert len(faults) == found
    assert not any(fault.urgent for fault in faults)


def test_no_round_at_all_is_one_too() -> None:
    assert _only(_recent(reconcile=None)).what == "The background check has ended no round yet"


@pytest.mark.parametrize(("at", "found"), [("2026-06-01T11:59:31Z", 0), ("2026-06-01T11:59:29Z", 1)])
def test_an_answer_that_waits_longer_than_a_minute_for_its_record_is_a_fault(at: str, found: int) -> None:
    faults = faults_of(_recent(unclaimed_answers={"count": 12, "oldest_at": at}))
    assert [fault.what.startswith("12 answers") for fault in faults] == [True] * found


def test_dead_letters_are_told_by_reason() -> None:
    dead = [
        {"topic": "transactions", "reason": "currency", "count": 14},
        {"topic": "labels", "reason": "currency", "count": 1},
        {"topic": "labels", "reason": "not_json", "count": 2},
    ]
    assert (
        _only(_recent(dead_letters=dead)).what
        == "17 dead letters in the last 3 minutes: currency 15, not_json 2"
    )


def test_the_most_urgent_comes_first() -> None:
    dead = [{"topic": "labels", "reason": "not_json", "count": 2}]
    faults = faults_of(_recent(dead_letters=dead, reconcile=None, in_force=None, unavailable=["kafka"]))
    assert [fault.what.split()[0] for fault in faults] == ["Kafka", "No", "The", "2"]
    assert [fault.urgent for fault in faults] == [True, True, False, False]


def test_the_banner_says_each_with_a_sign_and_what_to_do() -> None:
    words = said(on_fault_banner("live", _recent(in_force=None, reconcile=None))["live-faults", "children"])
    assert words.startswith("2 faults ▲ Act:  No model is in force")
    assert "◆ Watch:  The background check" in words
    assert "fraudml models list" in words


def test_there_is_no_banner_where_nothing_is_wrong() -> None:
    assert on_fault_banner("live", _recent()) == {("live-faults", "children"): None}
