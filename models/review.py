"""Review: what an analyst may do with a case, which is a review or a decline.

A case is open until somebody settles it as fraud or genuine. Whoever works on it has taken it, for a time:
nobody else may act on it meanwhile. Verdicts can be undone within a window, before their label is sent.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from models.errors import CaseHeld, CaseNotHeld, CaseSettled, TooLateToUndo
from models.finding import CaseVerdict, Finding, ReasonCode
from models.label import Label
from models.transaction import Identifier

CaseState = Literal["open", "taken", "snoozed", "escalated", "fraud", "genuine"]
SETTLING: tuple[CaseVerdict, ...] = ("fraud", "genuine")
# Label ids are derived, so that one verdict can never give two.
LABEL_NAMESPACE = UUID("0f8a4d43-7a55-5a0c-9c2b-7f6f0a1f3c11")


class Times(NamedTuple):
    """hold: how long a case stays taken. undo: how long a verdict can be undone."""

    hold: timedelta
    undo: timedelta


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Where a case stands.

    revision: how often somebody has acted on it. verdict and what follows: the last action, if that was a
    verdict. was_*: what undoing it brings back.
    """

    revision: int = 0
    held_by: str | None = None
    held_until: datetime | None = None
    escalated: bool = False
    snoozed_until: datetime | None = None
    verdict: CaseVerdict | None = None
    reason_code: ReasonCode | None = None
    decided_by: str | None = None
    undo_until: datetime | None = None
    was_escalated: bool = False
    was_snoozed_until: datetime | None = None

    @property
    def is_settled(self) -> bool:
        return self.verdict in SETTLING

    def holder(self, now: datetime) -> str | None:
        """Who works on it."""
        return self.held_by if self.held_until is not None and now < self.held_until else None


class CaseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it is shown. held_by: owner and name of a key; held_until: when it is free again. undo_until:
    of the last verdict, if nothing was done since."""

    transaction_id: Identifier
    state: CaseState
    revision: int
    held_by: str | None
    held_until: datetime | None
    escalated: bool
    snoozed_until: datetime | None
    verdict: CaseVerdict | None
    reason_code: ReasonCode | None
    decided_by: str | None
    undo_until: datetime | None


def take(case: Case, actor: str, now: datetime, times: Times) -> Case:
    """Hold a case, or hold it longer; what was decided before can no longer be undone.

    Raises:
        CaseSettled: there is nothing to do.
        CaseHeld: somebody else works on it.
    """
    _refuse_settled(case)
    if case.holder(now) not in (None, actor):
        raise CaseHeld()
    return _acted(_forgotten(case), held_by=actor, held_until=now + times.hold)


def release(case: Case, actor: str, now: datetime) -> Case:
    """Let go of a case.

    Raises:
        CaseSettled: it is nobody's any more.
        CaseNotHeld: it is not the actor's.
    """
    _refuse_settled(case)
    _refuse_others(case, actor, now)
    return _acted(_forgotten(case), held_by=None, held_until=None)


def decide(case: Case, actor: str, finding: Finding, now: datetime, times: Times) -> Case:
    """A verdict on a case that the actor has taken. `check_finding` has seen what was found.

    Raises:
        CaseSettled: it has a verdict that settles it.
        CaseNotHeld: the actor has not taken it, or not for so long.
    """
    _refuse_settled(case)
    _refuse_others(case, actor, now)
    return _acted(
        case,
        held_by=None,
        held_until=None,
        escalated=case.escalated or finding.verdict == "escalate",
        snoozed_until=finding.until,
        verdict=finding.verdict,
        reason_code=finding.reason_code,
        decided_by=actor,
        undo_until=now + times.undo,
        was_escalated=case.escalated,
        was_snoozed_until=case.snoozed_until,
    )


def undo(case: Case, actor: str, now: datetime, times: Times) -> Case:
    """Take back one's own last verdict; the case is the actor's again.

    Raises:
        TooLateToUndo: the window is over, or it was not the actor's, or not the last thing that was done.
    """
    if case.decided_by != actor or case.undo_until is None or now >= case.undo_until:
        raise TooLateToUndo()
    back = replace(case, escalated=case.was_escalated, snoozed_until=case.was_snoozed_until)
    return _acted(_forgotten(back), held_by=actor, held_until=now + times.hold)


def state_of(case: Case, label: str | None, now: datetime) -> CaseState:
    """In a word. label: the latest on the transaction: one from elsewhere settles a case too."""
    if said := _settled_as(case.verdict) or _settled_as(label):
        return said
    if case.holder(now) is not None:
        return "taken"
    if case.snoozed_until is not None and now < case.snoozed_until:
        return "snoozed"
    return "escalated" if case.escalated else "open"


def document_of(case: Case, transaction_id: str, state: CaseState, now: datetime) -> CaseDocument:
    """state: as `state_of` has it."""
    held_by = case.holder(now)
    return CaseDocument(
        transaction_id=transaction_id,
        state=state,
        revision=case.revision,
        held_by=held_by,
        held_until=case.held_until if held_by else None,
        escalated=case.escalated,
        snoozed_until=case.snoozed_until,
        verdict=case.verdict,
        reason_code=case.reason_code,
        decided_by=case.decided_by,
        undo_until=case.undo_until,
    )


def label_of(case: Case, transaction_id: str, customer_id: str, version: int, now: datetime) -> Label:
    """The label that a settled case's verdict becomes."""
    assert case.verdict == "fraud" or case.verdict == "genuine", case.verdict
    return Label(
        label_id=str(uuid5(LABEL_NAMESPACE, f"{transaction_id}/{case.revision}")),
        transaction_id=transaction_id,
        customer_id=customer_id,
        label=case.verdict,
        source="analyst",
        version=version,
        event_time=now,
    )


def _settled_as(said: str | None) -> Literal["fraud", "genuine"] | None:
    if said == "fraud":
        return "fraud"
    return "genuine" if said == "genuine" else None


def _refuse_settled(case: Case) -> None:
    if case.is_settled:
        raise CaseSettled()


def _refuse_others(case: Case, actor: str, now: datetime) -> None:
    if case.holder(now) != actor:
        raise CaseNotHeld()


def _forgotten(case: Case) -> Case:
    """Without the last verdict."""
    return replace(
        case,
        verdict=None,
        reason_code=None,
        decided_by=None,
        undo_until=None,
        was_escalated=False,
        was_snoozed_until=None,
    )


def _acted(case: Case, **changed: object) -> Case:
    return replace(case, revision=case.revision + 1, **changed)
