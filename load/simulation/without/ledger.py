"""The ledger and the labels without one of their guards."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

import streams.assignment
import streams.labels
import streams.sweep
import streams.verdicts
from load.doubles import FakeLedger
from load.simulation.without.patches import Patch
from streams.arrivals import Sweep
from streams.labels import LOOK_AT_ONCE, LabelSweeps
from streams.ports import DecisionRows, Duplicates, Recorded, Settled, Step
from streams.sweep import TransactionSweeps


def first_write_wins() -> list[Patch]:
    """A later write takes the row over."""

    def resolve(self: FakeLedger, step: Step, rows: DecisionRows) -> Settled:
        for name in rows.batch.transaction_id:
            self.rows.pop(name, None)
        return Settled()

    return [(FakeLedger, "_resolve", resolve)]


def progress_as_read() -> list[Patch]:
    """A sweep is settled wherever the progress is by now."""

    def unchecked(self: FakeLedger, step: Step) -> None:
        self._reach()

    return [(FakeLedger, "_check", unchecked)]


def ownership() -> list[Patch]:
    """What comes again is taken for a duplicate of itself."""
    recorded = FakeLedger.recorded

    def strangers(self: FakeLedger, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        return Recorded({}, recorded(self, topic_id, spans).dead)

    return [(FakeLedger, "recorded", strangers)]


def duplicates_fold_again() -> list[Patch]:
    """Duplicates are dropped, but what was folded with them stays."""
    score = TransactionSweeps._score
    first: dict[int, tuple[Any, Any]] = {}

    def keep(self: TransactionSweeps, batch: Any, topic_id: str, progress: Any) -> Any:
        known, before = first.get(id(self), (None, None))
        if known is not progress:
            first[id(self)] = (progress, score(self, batch, topic_id, progress))
            return first[id(self)][1]
        rows, rewrites = before
        places = set(zip(batch.partition.tolist(), batch.offset.tolist(), strict=True))
        old = zip(rows.batch.partition.tolist(), rows.batch.offset.tolist(), strict=True)
        stay = np.array([place in places for place in old], np.bool_)
        kept = {
            name: getattr(rows, name)[stay] for name in ("verdict", "score", "late", "scored_by", "features")
        }
        return replace(rows, batch=batch, **kept), rewrites

    return [(TransactionSweeps, "_score", keep)]


def verdicts_stand() -> list[Patch]:
    """What comes again is decided again."""

    def nothing(self: Sweep, progress: Mapping[int, int]) -> Any:
        return np.zeros(len(self), np.bool_)

    step_of = streams.verdicts.step_of

    def onward(sweep: Sweep, progress: Mapping[int, int], dead: Any) -> Step:
        step = step_of(sweep, progress, dead)
        return replace(step, reached={n: max(at, progress[n]) for n, at in step.reached.items()})

    return [
        (Sweep, "below", nothing),
        (streams.sweep, "step_of", onward),
        (streams.labels, "step_of", onward),
    ]


def dead_letters_recorded() -> list[Patch]:
    """The ledger keeps no dead letters."""
    recorded = FakeLedger.recorded

    def without(self: FakeLedger, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        return Recorded(recorded(self, topic_id, spans).decisions, {})

    return [(FakeLedger, "recorded", without)]


def label_delta() -> list[Patch]:
    """The mark is the label itself, whatever was known before."""
    accept = FakeLedger._accept

    def whole(self: FakeLedger, label: Any, row: Any, owner: Any) -> Any:
        mark = accept(self, label, row, owner)
        delta = 1 if label.label == "fraud" else 0
        self.labels[label.transaction_id, label.version].delta = delta
        return mark._replace(delta=0 if row.decided.late else delta)

    return [(FakeLedger, "_accept", whole)]


def parked_label_order() -> list[Patch]:
    """A parked label is deleted first, then produced."""

    def return_due(self: LabelSweeps) -> int:
        due = self._ledger.due_labels(None, LOOK_AT_ONCE, self._wait_s)
        if due.labels:
            self._ledger.unpark(due.labels)
            self._outbox.return_labels(due.labels)
        return len(due.labels)

    return [(LabelSweeps, "return_due", return_due)]


def rest_body() -> list[Patch]:
    """Any record with the id claims what REST decided."""
    guarded = FakeLedger._resolve

    def claim(self: FakeLedger, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        outcome = guarded(self, step, rows)
        if not isinstance(outcome, Duplicates):
            return outcome
        names = rows.batch.transaction_id
        mine = [row for row in outcome.conflicts if _unclaimed(self, names[row])]
        left = [row for row in outcome.rows if row not in mine]
        if left:
            return Duplicates(left, [row for row in outcome.conflicts if row not in mine])
        waiting = {row: self.rows[name].decided for row, name in enumerate(names) if _unclaimed(self, name)}
        return Settled(waiting)

    return [(FakeLedger, "_resolve", claim)]


def _unclaimed(ledger: FakeLedger, name: str) -> bool:
    return name in ledger.rows and ledger.rows[name].owner is None
