"""The seeds hold what they are meant to hold: a promise kept where nothing happened proves nothing."""

from functools import cache

import pytest

from load.simulation.campaign import silence
from load.simulation.disasters import Disasters
from load.simulation.plan import EVENTS
from load.simulation.schedule import Schedule

SEEDS = 200


@cache
def played() -> list[Schedule]:
    schedules = []
    for seed in range(SEEDS):
        disasters, schedule = Disasters(), Schedule(seed)
        with silence():
            schedule.play(disasters.strike, disasters.repair)
        schedules.append(schedule)
    return schedules


@cache
def told() -> str:
    return "\n".join(what for schedule in played() for _, _, what in schedule.notes.lines)


@pytest.mark.parametrize("event", EVENTS)
def test_every_kind_of_disaster_happens(event: str) -> None:
    assert f"\n{event}\n" in told()


@pytest.mark.parametrize(
    "words",
    [
        "crashes before settling decisions",
        "crashes after settling decisions",
        "crashes after applying to the view",
        "crashes before committing a transaction",
        "meets a failure before settling decisions",
        "meets a failure after settling decisions",
        "meets a failure after committing a transaction",
        "is refused: the group has been rebalanced",
        "is elsewhere",
        "ends: SlotTaken",
        "ends: OutcomeUnknown",
        "gives up",
        "stops at {('transactions', 0)",
        "goes on with transactions",
        "goes on with labels",
        "has healed apart",
        "ends: OffsetsMissing",
        "of group 1",
    ],
)
def test_workers_meet_it(words: str) -> None:
    assert words in told()


def test_decisions_are_of_every_kind() -> None:
    verdicts = {row.decided.decision for schedule in played() for row in schedule.ledger.rows.values()}
    assert verdicts == {"approve", "review", "decline"}


def test_some_transactions_are_late_and_some_are_claimed_from_rest() -> None:
    rows = [row for schedule in played() for row in schedule.ledger.rows.values()]
    assert any(row.decided.late for row in rows)
    assert any(row.decided.path == "rest" and row.owner is not None for row in rows)


def test_some_histories_are_long_enough_for_tiles() -> None:
    def longest(schedule: Schedule) -> int:
        return max(len(raw) // 12 for group in schedule.view.state for raw in group.histories.values())

    assert any(longest(schedule) > schedule.plan.retention.exact_events for schedule in played())


def test_records_are_malformed_in_many_ways_and_on_both_topics() -> None:
    places = [place for schedule in played() for place in schedule.ledger.dead]
    reasons = {why[0] for schedule in played() for why in schedule.ledger.dead.values()}
    assert {place[0].partition("-")[0] for place in places} == {"transactions", "labels"}
    assert {"empty", "not_json", "wrong_type", "missing_field", "currency", "event_time_ahead"} <= reasons


def test_labels_are_parked_returned_and_counted_both_ways() -> None:
    deltas = {label.delta for schedule in played() for label in schedule.ledger.labels.values()}
    assert deltas == {-1, 0, 1}
    assert any(schedule.ledger.parked for schedule in played())
    assert "returns 1 labels" in told()


def test_some_decisions_are_made_without_histories_and_only_where_that_is_allowed() -> None:
    hurried = {
        schedule.plan.decides
        for schedule in played()
        for row in schedule.ledger.rows.values()
        if row.decided.degraded_reason == "no_history"
    }
    assert hurried == {True}


def test_some_labels_wait_in_vain() -> None:
    reasons = [why[0] for schedule in played() for why in schedule.ledger.dead.values()]
    assert "no_transaction" in reasons


def alerted(schedule: Schedule) -> list[str]:
    return [each.transaction_id for each in schedule.kafka.alerts]


def test_some_alerts_are_repeated_and_only_after_a_restore() -> None:
    repeating = [each for each in played() if len(set(alerted(each))) < len(alerted(each))]
    assert repeating
    assert all(schedule.ledger.eras for schedule in repeating)
