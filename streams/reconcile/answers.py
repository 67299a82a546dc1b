"""R7, as far as it shows without the callers: what a gateway has answered and signed is the decision."""

from dataclasses import dataclass

import msgspec

from models.archived import ArchivedDecision, archived
from models.decision import DecidedTransaction
from models.transaction import comparable
from streams.answered import Answered, Place, Signer
from streams.arrivals import Batch, Sweep
from streams.reconcile.check import Check
from streams.reconcile.ports import Books, Decided
from streams.reconcile.range import Source
from streams.reconcile.standing import standing


@dataclass
class Answers:
    """Marks of the range's records. signed: by a gateway. conflicts: those of them that met another decision.

    refused: without our signature.
    """

    signed: int = 0
    conflicts: int = 0
    refused: int = 0


@dataclass(frozen=True)
class AnswerCheck:
    """Records that bear an answer, against the decisions on their ids."""

    books: Books
    signer: Signer
    source: Source
    answers: Answers
    check: Check

    def look(self, sweep: Sweep, batch: Batch) -> None:
        marked = list(self.signer.each(sweep, batch))
        signed = [(place, answered) for place, answered in marked if answered is not None]
        self.answers.refused += len(marked) - len(signed)
        self.answers.signed += len(signed)
        self.check.checked += len(marked)
        known = standing(self.books, [answered.decided.transaction_id for _, answered in signed])
        for place, answered in signed:
            held = known.get(answered.decided.transaction_id)
            if isinstance(held, ArchivedDecision):
                self._compare_archived(place, answered, held)
            else:
                self._compare(place, answered, held)

    def _compare_archived(self, place: Place, answered: Answered, held: ArchivedDecision) -> None:
        """Whose record it was is not known any more: another decision may have been there first."""
        mine = archived(answered.decided)
        if mine != held and mine.decision.decided_at == held.decision.decided_at:
            where, name = self.source.place(*place), answered.decided.transaction_id
            self.check.find(f"record {where} bears the answer on {name}, and the archived one says otherwise")
        elif mine != held:
            self.answers.conflicts += 1

    def _compare(self, place: Place, answered: Answered, held: Decided | None) -> None:
        if held is not None and _comparable(held.row) == _comparable(answered.decided):
            return
        if why := self._unexplained(place, answered.decided, held):
            name = answered.decided.transaction_id
            self.check.find(f"record {self.source.place(*place)} bears the answer on {name}, {why}")
        else:
            self.answers.conflicts += 1

    def _unexplained(self, place: Place, answered: DecidedTransaction, held: Decided | None) -> str:
        """Why another decision than the one that was answered cannot stand; empty if it may.

        It was there first: made by REST, or owned by another record.
        """
        if held is None:
            return "which has no row"
        if held.row.decided_at == answered.decided_at:
            return "and its row says otherwise"
        number, offset = place
        if held.owner == (self.source.partition(number), offset) and held.row.path == "stream":
            return "and was decided anew"
        return ""


def _comparable(decided: DecidedTransaction) -> DecidedTransaction:
    return msgspec.structs.replace(decided, attributes=comparable(decided.attributes))
