"""Review: one person at a case, verdicts by who has taken it, and back again within the window."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from models.errors import CaseHeld, CaseNotHeld, CaseSettled, Conflict, MalformedReview, TooLateToUndo
from models.finding import LONGEST_SNOOZE, REASON_CODES, CaseVerdict, Finding, check_finding
from models.review import (
    Case,
    Times,
    decide,
    document_of,
    label_of,
    release,
    state_of,
    take,
    undo,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TIMES = Times(hold=timedelta(minutes=15), undo=timedelta(seconds=10))
SECOND = timedelta(seconds=1)
ANN, BOB = "reviewers/ann", "reviewers/bob"


def finding(verdict: CaseVerdict = "fraud", **fields: Any) -> Finding:
    until = NOW + timedelta(hours=1) if verdict == "snooze" else None
    values = {"reason_code": REASON_CODES[verdict][0], "until": until} | fields
    return Finding(verdict=verdict, **values)


def taken(by: str = ANN) -> Case:
    return take(Case(), by, NOW, TIMES)


def test_a_case_is_one_persons_until_it_runs_out() -> None:
    case = taken()
    with pytest.raises(CaseHeld):
        take(case, BOB, NOW + TIMES.hold - SECOND, TIMES)
    later = NOW + TIMES.hold
    assert take(case, BOB, later, TIMES).holder(later) == BOB


def test_taking_ones_own_again_prolongs() -> None:
    again = take(taken(), ANN, NOW + 5 * SECOND, TIMES)
    assert again.held_until == NOW + 5 * SECOND + TIMES.hold


@pytest.mark.parametrize("verdict", REASON_CODES)
def test_only_who_has_taken_a_case_may_decide_or_release_it(verdict: CaseVerdict) -> None:
    for case, actor, now in ((Case(), ANN, NOW), (taken(), BOB, NOW), (taken(), ANN, NOW + TIMES.hold)):
        with pytest.raises(CaseNotHeld):
            decide(case, actor, finding(verdict), now, TIMES)
        with pytest.raises(CaseNotHeld):
            release(case, actor, now)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("fraud", "fraud"), ("genuine", "genuine"), ("escalate", "escalated"), ("snooze", "snoozed")],
)
def test_a_verdict_moves_a_case_and_frees_it(verdict: CaseVerdict, state: str) -> None:
    case = decide(taken(), ANN, finding(verdict), NOW, TIMES)
    assert (state_of(case, None, NOW), case.holder(NOW)) == (state, None)


def test_a_settled_case_cannot_be_taken_released_or_decided() -> None:
    case = decide(taken(), ANN, finding("genuine"), NOW, TIMES)
    for actor in (ANN, BOB):
        with pytest.raises(CaseSettled):
            take(case, actor, NOW, TIMES)
        with pytest.raises(CaseSettled):
            release(case, actor, NOW)
        with pytest.raises(CaseSettled):
            decide(case, actor, finding(), NOW, TIMES)


def test_undoing_is_for_who_decided_and_within_the_window() -> None:
    case = decide(taken(), ANN, finding(), NOW, TIMES)
    for actor, now in ((BOB, NOW), (ANN, NOW + TIMES.undo)):
        with pytest.raises(TooLateToUndo):
            undo(case, actor, now, TIMES)
    back = undo(case, ANN, NOW + TIMES.undo - SECOND, TIMES)
    assert (back.holder(NOW), back.is_settled) == (ANN, False)


def test_what_somebody_has_gone_on_with_cannot_be_undone() -> None:
    case = take(decide(taken(), ANN, finding("escalate"), NOW, TIMES), BOB, NOW, TIMES)
    with pytest.raises(TooLateToUndo):
        undo(case, ANN, NOW, TIMES)
    assert case.escalated


@pytest.mark.parametrize("verdict", REASON_CODES)
def test_undoing_brings_back_what_was_before(verdict: CaseVerdict) -> None:
    before = take(decide(taken(), ANN, finding("snooze"), NOW, TIMES), ANN, NOW, TIMES)
    back = undo(decide(before, ANN, finding(verdict), NOW, TIMES), ANN, NOW, TIMES)
    assert msgspec.structs.replace(back, revision=before.revision) == before


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"verdict": "fraud", "reason_code": "customer_confirms"}, "invalid_value"),
        ({"verdict": "genuine", "reason_code": "fraud_pattern"}, "invalid_value"),
        ({"verdict": "fraud", "reason_code": "other", "note": " \n"}, "missing_field"),
        ({"verdict": "snooze", "reason_code": "awaiting_bank"}, "missing_field"),
        ({"verdict": "snooze", "reason_code": "awaiting_bank", "until": NOW}, "invalid_value"),
        (
            {"verdict": "snooze", "reason_code": "awaiting_bank", "until": NOW + LONGEST_SNOOZE + SECOND},
            "invalid_value",
        ),
        ({"verdict": "escalate", "reason_code": "linked_cases", "until": NOW + SECOND}, "invalid_value"),
        (
            {"verdict": "fraud", "reason_code": "other", "note": "the card is 4111 1111 1111 1111"},
            "card_number",
        ),
    ],
)
def test_a_finding_that_cannot_be_is_refused_and_not_quoted(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(MalformedReview) as refusal:
        check_finding(Finding(**fields), NOW)
    assert refusal.value.code == code
    assert "4111" not in str(refusal.value)


@given(st.sampled_from([(verdict, code) for verdict, codes in REASON_CODES.items() for code in codes]))
def test_every_declared_reason_fits_its_verdict(declared: tuple[CaseVerdict, Any]) -> None:
    verdict, code = declared
    check_finding(finding(verdict, reason_code=code, note="in words"), NOW)


def test_a_label_from_elsewhere_settles_a_case_and_an_unknown_one_does_not() -> None:
    told = [state_of(taken(), label, NOW) for label in ("fraud", "genuine", "unknown", None)]
    assert told == ["fraud", "genuine", "taken", "taken"]


def test_one_verdict_is_always_the_same_label_and_the_next_one_another() -> None:
    first = decide(taken(), ANN, finding(), NOW, TIMES)
    second = decide(undo(first, ANN, NOW, TIMES), ANN, finding(), NOW, TIMES)
    ids = [label_of(case, "tx-1", "c-1", 0, NOW).label_id for case in (first, first, second)]
    assert ids[0] == ids[1] != ids[2]


def test_a_case_that_ran_out_is_shown_as_nobodys() -> None:
    later = NOW + TIMES.hold
    shown = document_of(taken(), "tx-1", state_of(taken(), None, later), later)
    assert (shown.state, shown.held_by, shown.held_until) == ("open", None, None)


class Desk(RuleBasedStateMachine):
    """Three people, one case, and time that goes on: whatever they try, in whatever order."""

    actors = st.sampled_from([ANN, BOB, "reviewers/eve"])
    verdicts = st.sampled_from(list(REASON_CODES))

    @initialize()
    def begin(self) -> None:
        self.case = Case()
        self.now = NOW

    @rule(seconds=st.integers(0, 1200))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(actor=actors)
    def take(self, actor: str) -> None:
        before = self.case.holder(self.now)
        if self.changed(lambda: take(self.case, actor, self.now, TIMES)):
            assert before in (None, actor)
            assert self.case.holder(self.now) == actor

    @rule(actor=actors)
    def release(self, actor: str) -> None:
        before = self.case.holder(self.now)
        if self.changed(lambda: release(self.case, actor, self.now)):
            assert (before, self.case.holder(self.now)) == (actor, None)

    @rule(actor=actors, verdict=verdicts)
    def decide(self, actor: str, verdict: CaseVerdict) -> None:
        before = self.case.holder(self.now)
        until = self.now + SECOND if verdict == "snooze" else None
        found = finding(verdict, until=until)
        if self.changed(lambda: decide(self.case, actor, found, self.now, TIMES)):
            assert (before, self.case.holder(self.now)) == (actor, None)
            assert self.case.is_settled == (verdict in ("fraud", "genuine"))

    @rule(actor=actors)
    def undo(self, actor: str) -> None:
        by, until = self.case.decided_by, self.case.undo_until
        if self.changed(lambda: undo(self.case, actor, self.now, TIMES)):
            assert by == actor
            assert until is not None
            assert self.now < until
            assert self.case.holder(self.now) == actor

    def changed(self, act: Any) -> bool:
        """Whether it was allowed; a settled case changes by undoing alone."""
        was = self.case
        try:
            self.case = act()
        except Conflict:
            return False
        assert self.case.revision == was.revision + 1
        assert not was.is_settled or (was.undo_until is not None and self.now < was.undo_until)
        return True

    @invariant()
    def a_settled_case_is_nobodys(self) -> None:
        assert not (self.case.is_settled and self.case.held_by)

    @invariant()
    def a_verdict_says_why_and_by_whom(self) -> None:
        told = {self.case.verdict is None, self.case.reason_code is None, self.case.decided_by is None}
        assert len(told) == 1


TestDesk = Desk.TestCase
