"""The seeds hold what they are meant to hold: a promise kept where nothing happened proves nothing."""

from functools import cache
from types import NoneType

import pytest

from api.answering import Answer
from load.simulation.callers import Told
from load.simulation.campaign import silence
from load.simulation.disasters import Disasters
from load.simulation.forger import FORGED
from load.simulation.plan import EVENTS
from load.simulation.schedule import Schedule
from models.errors import AnswerLost, InFlight, NoTimeLeft, OtherBody
from streams.answered import DECISION_HEADER

SEEDS = 260  # the rarest of these comes once in eighty


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
        "is refused what goes out: the group has been rebalanced",
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
        "crashes before storing answers",
        "crashes after storing answers",
        "crashes before producing an answer",
        "crashes before hearing of an answer's record",
        "meets a failure after storing answers",
        "meets a failure before noting where answers are",
        "a record of an answer has waited for too long",
        "is there again",
    ],
)
def test_workers_and_gateways_meet_it(words: str) -> None:
    assert words in told()


def test_decisions_are_of_every_kind() -> None:
    verdicts = {row.decided.decision for schedule in played() for row in schedule.ledger.rows.values()}
    assert verdicts == {"approve", "review", "decline"}


def test_some_transactions_are_late_and_some_are_claimed_from_rest() -> None:
    rows = [row for schedule in played() for row in schedule.ledger.rows.values()]
    assert any(row.decided.late for row in rows)
    assert any(row.decided.path == "rest" and row.owner is not None for row in rows)


def test_callers_are_told_whatever_there_is_to_tell() -> None:
    told = [each.answer for schedule in played() for each in schedule.front.callers.told]
    durable = {answer.durable for answer in told if isinstance(answer, Answer)}
    assert durable == {"ledger", "log"}
    assert {type(answer) for answer in told} >= {OtherBody, InFlight, AnswerLost, NoTimeLeft, NoneType}


def test_the_same_question_is_asked_of_two_gateways_and_answered_by_row_and_by_log() -> None:
    told = [
        {(each.process, each.answer.durable) for each in every if isinstance(each.answer, Answer)}
        for schedule in played()
        for every in by_name(schedule).values()
    ]
    assert any({durable for _, durable in each} == {"ledger", "log"} for each in told)
    assert any(len({process.partition(".")[0] for process, _ in each}) == 2 for each in told)


def by_name(schedule: Schedule) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for told in schedule.front.callers.told:
        found.setdefault(told.name, []).append(told)
    return found


def test_some_answers_meet_an_earlier_row_and_some_are_stored_by_workers() -> None:
    assert any(schedule.ledger.conflicts for schedule in played())
    logged = [
        (schedule.ledger.rows.get(told.name), told.answer.decided)
        for schedule in played()
        for told in schedule.front.callers.told
        if isinstance(told.answer, Answer) and told.answer.durable == "log"
    ]
    assert any(row is not None and row.decided == decided for row, decided in logged)


def test_some_answers_are_made_without_histories_and_some_with() -> None:
    rows = [row.decided for schedule in played() for row in schedule.ledger.rows.values()]
    assert {decided.degraded_reason for decided in rows if decided.path == "rest"} == {None, "no_history"}


def test_somebody_forges_answers() -> None:
    marks = [
        dict(record.headers or ())
        for schedule in played()
        for records in schedule.kafka.topics["transactions"].partitions
        for record in records
        if record is not None
    ]
    assert any(FORGED.encode() in (mark.get(DECISION_HEADER) or b"") for mark in marks)


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
        if row.decided.degraded_reason == "no_history" and row.decided.path == "stream"
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
