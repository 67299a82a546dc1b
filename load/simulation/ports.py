"""The stores as one worker reaches them: over a line on which anything may happen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from load.simulation.line import Line
from load.simulation.stores import SimulatedLedger, SimulatedView, Watermarks
from models.archived import ArchivedDecision
from models.decision import DecidedTransaction
from models.errors import LedgerUnavailable, ViewUnavailable
from models.features import Entity
from streams.answered import Answered
from streams.arrivals import LabelRecord
from streams.ports import (
    Additions,
    Applied,
    Change,
    DecisionRows,
    DueLabels,
    Duplicates,
    LabelPlace,
    LabelsSettled,
    ParkedLabel,
    Poison,
    Produced,
    Recorded,
    Settled,
    Step,
    ViewRead,
)
from streams.topics import Partition
from streams.view.keys import group_of


class ViewPort:
    """`streams.ports.View` over the line. lost: the connection is gone, and the next call makes another."""

    def __init__(self, view: SimulatedView, line: Line) -> None:
        self.groups = view.groups
        self.connections = 0
        self.lost = True
        self.read_at: list[Watermarks] = [{}] * view.groups
        self.applied_at: list[Watermarks] = [{}] * view.groups
        self._view = view
        self._line = line

    def _reach(self, what: str) -> None:
        self._line.before(what, ViewUnavailable)
        if self.lost:
            self.lost = False
            self.connections += 1

    def read(
        self,
        views: Mapping[int, str],
        partitions: Sequence[Partition],
        wanted: Mapping[Entity, Sequence[str]],
    ) -> ViewRead:
        states = []
        found: dict[tuple[Entity, str], bytes | None] = {}
        read_at: list[Watermarks] = []
        applied_at: list[Watermarks] = []
        for number in range(self.groups):
            self._reach(f"reading the view's group {number}")
            mine = {
                entity: [name for name in names if group_of(entity, name, self.groups) == number]
                for entity, names in wanted.items()
            }
            read = self._view.read(views, partitions, mine)
            states.append(read.groups[number])
            for entity, names in mine.items():
                found.update(zip(((entity, name) for name in names), read.histories[entity], strict=True))
            read_at.append(self._view.watermarks(number, views.get(number, "")))
            applied_at.append(dict(self._view.applied[number]))
            self._line.after("reading the view", ViewUnavailable)
        if wanted:
            self.read_at, self.applied_at = read_at, applied_at
        histories = {entity: [found[entity, name] for name in names] for entity, names in wanted.items()}
        return ViewRead(states, histories)

    def apply(self, change: Change) -> dict[int, Applied]:
        answers: dict[int, Applied] = {}
        for number, view in change.views.items():
            self._reach(f"applying to the view's group {number}")
            one = Change({number: view}, change.moves, change.additions, change.rewrites)
            answers |= self._view.apply(one)
            self._line.note(f"applies {_spans(change.moves)} to group {number}: {answers[number].value}")
            self._line.after("applying to the view", ViewUnavailable)
        return answers

    def names(self, views: Mapping[int, str]) -> Iterator[tuple[Entity, str]]:
        return self._view.names(views)

    def adopt(self, group: int, found: str | None, view: str) -> bool:
        self._reach(f"adopting the view's group {group}")
        adopted = self._view.adopt(group, found, view)
        self._line.note(f"begins view {view} of group {group}: {adopted}")
        self._line.after("adopting the view", ViewUnavailable)
        return adopted


class LedgerPort:
    """`streams.ports.Ledger` over the line."""

    def __init__(self, ledger: SimulatedLedger, view: ViewPort, line: Line) -> None:
        self._ledger = ledger
        self._view = view
        self._line = line

    def _call(self, what: str, effect: Any, *arguments: Any) -> Any:
        self._line.before(what, LedgerUnavailable)
        answer = effect(*arguments)
        self._line.after(what, LedgerUnavailable)
        return answer

    def identity(self) -> str:
        return cast(str, self._call("asking for the ledger's id", self._ledger.identity))

    def progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
        return cast(dict[int, int], self._call("reading progress", self._ledger.progress, topic_id, numbers))

    def all_progress(self) -> dict[Partition, int]:
        return cast(dict[Partition, int], self._call("reading all progress", self._ledger.all_progress))

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        def settle() -> Settled | Duplicates:
            outcome = self._ledger.settle_decisions(step, rows)
            if isinstance(outcome, Settled):
                self._ledger.note_grounds(rows, step.topic_id, self._view.read_at, self._view.applied_at)
                self._line.note(f"settles {step.topic} {_reached(step)}: {_verdicts(rows)}")
            return outcome

        return cast(Settled | Duplicates, self._call("settling decisions", settle))

    def settle_labels(self, step: Step, labels: Sequence[LabelRecord]) -> LabelsSettled:
        def settle() -> LabelsSettled:
            settled = self._ledger.settle_labels(step, labels)
            self._line.note(f"settles {step.topic} {_reached(step)}: {settled.parked} parked")
            return settled

        return cast(LabelsSettled, self._call("settling labels", settle))

    def recorded(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        return cast(Recorded, self._call("recalling verdicts", self._ledger.recorded, topic_id, spans))

    def poison(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Mapping[int, Poison]:
        return cast(
            Mapping[int, Poison],
            self._call("reading what was malformed", self._ledger.poison, topic_id, spans),
        )

    def additions(self, partition: Partition, start: int, stop: int, limit: int) -> tuple[Additions, int]:
        return cast(
            tuple[Additions, int],
            self._call("reading rows to heal with", self._ledger.additions, partition, start, stop, limit),
        )

    def due_labels(self, after: LabelPlace | None, limit: int, wait_s: float) -> DueLabels:
        return cast(
            DueLabels, self._call("reading due labels", self._ledger.due_labels, after, limit, wait_s)
        )

    def unpark(self, labels: Sequence[ParkedLabel]) -> None:
        self._call("unparking labels", self._ledger.unpark, labels)
        self._line.note(f"unparks {len(labels)} labels")


class AnswerPort:
    """`streams.ports.AnswerLedger` over the line."""

    def __init__(self, ledger: SimulatedLedger, line: Line) -> None:
        self._ledger = ledger
        self._line = line

    def _call(self, what: str, effect: Any, *arguments: Any) -> Any:
        self._line.before(what, LedgerUnavailable)
        answer = effect(*arguments)
        self._line.after(what, LedgerUnavailable)
        return answer

    def answer(self, answers: Sequence[Answered]) -> dict[str, Answered | ArchivedDecision]:
        found = self._call("storing answers", self._ledger.answer, answers)
        return cast(dict[str, Answered | ArchivedDecision], found)

    def archived(self, transaction_id: str) -> ArchivedDecision | None:
        found = self._call("looking up what was archived", self._ledger.archived, transaction_id)
        return cast(ArchivedDecision | None, found)

    def decision(self, transaction_id: str) -> DecidedTransaction | None:
        found = self._call("looking up a decision", self._ledger.decision, transaction_id)
        return cast(DecidedTransaction | None, found)

    def produced(self, places: Mapping[str, Produced]) -> None:
        self._call("noting where answers are", self._ledger.produced, places)

    def unclaimed(self, topic_id: str, older_s: float, limit: int) -> list[Answered]:
        found = self._call("reading unclaimed rows", self._ledger.unclaimed, topic_id, older_s, limit)
        return cast(list[Answered], found)


def _spans(moves: Mapping[Partition, tuple[int, int]]) -> str:
    return ", ".join(
        f"{partition.topic_id} {partition.number} [{first}, {last})"
        for partition, (first, last) in moves.items()
    )


def _reached(step: Step) -> str:
    return ", ".join(
        f"{number} [{step.expected[number]}, {reached})" for number, reached in step.reached.items()
    )


def _verdicts(rows: DecisionRows) -> str:
    return " ".join(
        f"{name}={verdict}"
        for name, verdict in zip(rows.batch.transaction_id, rows.verdict.tolist(), strict=True)
    )
