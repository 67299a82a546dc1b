"""A sweep of labels on its way through a worker, and the labels that wait for their transaction."""

from collections.abc import Mapping

from streams.arrivals import DeadLetter, LabelRecord, Sweep
from streams.codecs import decode_labels
from streams.healing import ViewKeeper
from streams.metrics import Metrics
from streams.poison import PoisonGate
from streams.ports import LabelPlace, Ledger, Outbox, Step
from streams.progress import Known, Progress
from streams.verdicts import marks_as_additions, recall, step_of

# However many labels wait, a look at them takes no longer.
LOOK_AT_ONCE = 2000


class LabelSweeps:
    """Takes sweeps of labels into the ledger, and what they change into the terminals' histories.

    ahead_ms: how far an event time may be ahead of the broker's clock. wait_s: how long a label waits for its
    transaction. known: of the progress, with other lanes of the same worker.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        keeper: ViewKeeper,
        outbox: Outbox,
        gate: PoisonGate,
        metrics: Metrics,
        ahead_ms: int,
        wait_s: float,
        known: Known | None = None,
    ) -> None:
        self._ahead_ms = ahead_ms
        self._wait_s = wait_s
        self._ledger = ledger
        self._keeper = keeper
        self._outbox = outbox
        self._gate = gate
        self._metrics = metrics
        self._progress = Progress(ledger, known)
        self._looked: LabelPlace | None = None

    def handle(self, sweep: Sweep) -> None:
        """Take a sweep from bytes to committed offsets. Raises as `TransactionSweeps.handle` does."""
        try:
            self._handle(sweep)
        except Exception:
            self._progress.forget()
            raise

    def _handle(self, sweep: Sweep) -> None:
        progress = self._progress.of(sweep)
        settled = sweep.below(progress)
        dead: list[DeadLetter] = []
        stops: Mapping[int, int] = {}
        # Healed before anything is taken, so that marks are appended to a view that is whole.
        whole = self._keeper.read(sweep.topic_id, progress, {}) is not None
        if settled.any():
            recall(self._ledger, sweep.where(settled), progress, [], dead)
        if not settled.all():
            stops = self._take(sweep.where(~settled), progress, dead, whole)
        taken = sweep.before(stops)
        if len(taken):
            self._outbox.publish([], dead, taken.next_offsets(), sweep.group)
        self._metrics.dead(dead)
        self._gate.hold(sweep.topic, stops)

    def _take(
        self, sweep: Sweep, progress: dict[int, int], dead: list[DeadLetter], whole: bool
    ) -> Mapping[int, int]:
        """As `TransactionSweeps._decide`. whole: whether the view can be appended to."""
        labels, malformed = decode_labels(sweep, self._ahead_ms)
        stops = self._gate.stops(sweep, malformed)
        if stops:
            sweep = sweep.before(stops)
            labels, malformed = decode_labels(sweep, self._ahead_ms)
        if len(sweep):
            self._settle(step_of(sweep, progress, malformed), labels, whole)
        dead += malformed
        return stops

    def _settle(self, step: Step, labels: list[LabelRecord], whole: bool) -> None:
        settled = self._ledger.settle_labels(step, labels)
        self._progress.moved(step.topic_id, step.reached)
        if whole:
            self._keeper.apply(step, marks_as_additions(settled.marks), {})
        self._metrics.labelled(len(labels), settled)

    def return_due(self) -> int:
        """Look on through the parked labels, and produce again those that are due; how many.

        The copy takes effect: as a label, or, where the transaction has not come in time, as a dead letter.
        """
        due = self._ledger.due_labels(self._looked, LOOK_AT_ONCE, self._wait_s)
        if due.labels:
            self._outbox.return_labels(due.labels)
            self._ledger.unpark(due.labels)
            self._metrics.returned(due.labels)
        self._looked = due.last
        return len(due.labels)
