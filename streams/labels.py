"""A sweep of labels on its way through a worker, and the labels that wait for their transaction."""

from streams.arrivals import DeadLetter, Sweep
from streams.codecs import decode_labels
from streams.healing import ViewKeeper
from streams.metrics import Metrics
from streams.ports import Ledger, Outbox
from streams.progress import Progress
from streams.verdicts import marks_as_additions, recall, step_of

RETURN_AT_ONCE = 1000


class LabelSweeps:
    """Takes sweeps of labels into the ledger, and what they change into the terminals' histories.

    ahead_ms: how far an event time may be ahead of the broker's clock.
    """

    def __init__(
        self, *, ledger: Ledger, keeper: ViewKeeper, outbox: Outbox, metrics: Metrics, ahead_ms: int
    ) -> None:
        self._ahead_ms = ahead_ms
        self._ledger = ledger
        self._keeper = keeper
        self._outbox = outbox
        self._metrics = metrics
        self._progress = Progress(ledger)

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
        # Healed before anything is taken, so that marks are appended to a view that is whole.
        self._keeper.read(sweep.topic_id, progress, {})
        if settled.any():
            recall(self._ledger, sweep.where(settled), progress, [], dead)
        if not settled.all():
            self._take(sweep.where(~settled), progress, dead)
        offsets = {(sweep.topic, number): offset for number, offset in sweep.reached().items()}
        self._outbox.publish([], dead, offsets, sweep.group)
        self._metrics.dead(dead)

    def _take(self, sweep: Sweep, progress: dict[int, int], dead: list[DeadLetter]) -> None:
        rows, labels, malformed = decode_labels(sweep, self._ahead_ms)
        step = step_of(sweep, progress, malformed)
        places = [(int(sweep.partition[row]), int(sweep.offset[row])) for row in rows]
        settled = self._ledger.settle_labels(step, places, labels)
        self._progress.moved(sweep.topic_id, step.reached)
        self._keeper.apply(step, marks_as_additions(settled.marks), {})
        self._metrics.labelled(len(labels), settled)
        dead += malformed

    def return_ready(self) -> int:
        """Produce again the parked labels whose transaction has come; that copy takes effect. How many."""
        ready = self._ledger.ready_labels(RETURN_AT_ONCE)
        if ready:
            self._outbox.return_labels(ready)
            self._ledger.unpark(ready)
        return len(ready)
