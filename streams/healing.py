"""Healing: the ledger's rows into the view, until every watermark has caught up with the progress.

A rebuild is healing from nothing. Nothing else writes histories, but for the sweep's own script.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from models.errors import ProgressMoved, ViewAheadOfLedger, ViewMoved
from models.features import Entity
from streams.metrics import Metrics
from streams.ports import Additions, Applied, Change, Ledger, Step, View, ViewRead
from streams.topics import Partition

log = structlog.get_logger(__name__)

ATTEMPTS = 5
CHUNK_ROWS = 4096


class ViewKeeper:
    """Hands out histories only while they are whole.

    new_epoch: gives a fresh random name for a view made from nothing. progress: called with the number of
    offsets that have been healed since the last call. heal_apart: has somebody else heal a view that lacks
    more than one chunk, so that nobody waits for it here; without it, reading waits.
    """

    def __init__(
        self,
        ledger: Ledger,
        view: View,
        new_epoch: Callable[[], str],
        metrics: Metrics,
        progress: Callable[[int], None] = lambda count: None,
        heal_apart: Callable[[], None] | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self._ledger = ledger
        self._view = view
        self._new_epoch = new_epoch
        self._metrics = metrics
        self._progress = progress
        self._heal_apart = heal_apart
        self._chunk_rows = chunk_rows
        self._known: dict[int, str] = {}
        self._connections = -1

    def read(
        self, topic_id: str, progress: Mapping[int, int], wanted: Mapping[Entity, Sequence[str]]
    ) -> Mapping[Entity, Sequence[bytes | None]] | None:
        """Histories that hold everything below `progress`, and nothing above it from these partitions.

        None while the view is being healed apart.

        Raises:
            ProgressMoved: another worker has gone on with one of the partitions.
            ViewMoved: the view kept changing.
            ViewAheadOfLedger: the view has applied what the ledger does not know.
        """
        expected = {Partition(topic_id, number): offset for number, offset in progress.items()}
        for _ in range(ATTEMPTS):
            if self._view.connections != self._connections and not self._healed():
                return None
            read = self._view.read(self._known, list(expected), wanted)
            if self._whole(read, expected):
                return read.histories
            if not self._healed():
                return None
        raise ViewMoved("the view kept changing while it was read")

    def _whole(self, read: ViewRead, expected: Mapping[Partition, int]) -> bool:
        if self._view.connections != self._connections:
            return False
        for group, state in enumerate(read.groups):
            if state.view != self._known[group]:
                return False
            for partition, progress in expected.items():
                if state.watermarks[partition] > progress:
                    self._ahead(partition, progress)
                if state.watermarks[partition] < progress:
                    return False
        return True

    def _ahead(self, partition: Partition, progress: int) -> None:
        if self._ledger.progress(partition.topic_id, [partition.number])[partition.number] > progress:
            raise ProgressMoved(f"partition {partition.number} is past offset {progress}")
        raise ViewAheadOfLedger(
            f"Redis has applied more of partition {partition.number} than the ledger has decided",
            why="an older ledger was put back without a new id",
            next_step="fraudml doctor",
        )

    def apply(
        self,
        step: Step,
        additions: Additions,
        rewrites: Mapping[Entity, Mapping[str, tuple[bytes, bytes]]],
    ) -> None:
        """Append what a settled sweep adds; where the view has moved meanwhile, heal it from the ledger."""
        moves = {
            Partition(step.topic_id, number): (step.expected[number], reached)
            for number, reached in step.reached.items()
        }
        answers = self._view.apply(Change(self._known, moves, additions, rewrites))
        if self._view.connections != self._connections or Applied.REFUSED in answers.values():
            self._healed()

    def rebuild(self) -> None:
        """Begin a new view of every group, and heal it from nothing; workers wait until it is whole."""
        ledger_id = self._ledger.identity()
        for group, state in enumerate(self._view.read(self._known, [], {}).groups):
            # Refused where somebody else has begun one just now: that one is as new.
            self._view.adopt(group, state.view, f"{ledger_id}:{self._new_epoch()}")
        self.heal()

    def _healed(self) -> bool:
        """Heal; False where that takes long, and is left to others."""
        if self._heal_apart is not None and self._missing() > self._chunk_rows:
            self._heal_apart()
            return False
        self.heal()
        return True

    def _missing(self) -> int:
        """How many offsets the view is behind, over all partitions and groups."""
        progress = self._ledger.all_progress()
        self._adopt()
        states = self._view.read(self._known, list(progress), {}).groups
        return sum(
            max(0, reached - state.watermarks[partition])
            for state in states
            for partition, reached in progress.items()
        )

    def heal(self) -> None:
        """Bring every watermark, of both topics, all partitions and all groups, up to the progress."""
        connections = -1
        while connections != self._view.connections:
            # A connection made underway may lead to a view that lost writes: then once more from the start.
            connections = self._view.connections
            self._adopt()
            progress = self._ledger.all_progress()
            for partition, groups in self._behind(progress).items():
                if groups:
                    self._heal_partition(partition, progress[partition])
        self._connections = connections

    def _behind(self, progress: Mapping[Partition, int]) -> dict[Partition, dict[int, int]]:
        """Of each partition the groups that lack some of it, and how far they are."""
        states = self._view.read(self._known, list(progress), {}).groups
        return {
            partition: {
                group: state.watermarks[partition]
                for group, state in enumerate(states)
                if state.view == self._known[group] and state.watermarks[partition] < reached
            }
            for partition, reached in progress.items()
        }

    def _adopt(self) -> None:
        """Know the view of every group; where there is none of this ledger, begin one."""
        ledger_id = self._ledger.identity()
        for _ in range(ATTEMPTS):
            others = {}
            for group, state in enumerate(self._view.read(self._known, [], {}).groups):
                if state.view is not None and state.view.startswith(f"{ledger_id}:"):
                    self._known[group] = state.view
                else:
                    others[group] = state.view
            if not others:
                return
            for group, found in others.items():
                if self._view.adopt(group, found, f"{ledger_id}:{self._new_epoch()}"):
                    log.warning("view_begun_anew", group=group)
        raise ViewMoved("the view's key kept changing")

    def _heal_partition(self, partition: Partition, progress: int) -> None:
        """The groups that lag furthest first, as far as the next: rows are read once for all of them."""
        healed = 0
        while groups := self._behind({partition: progress})[partition]:
            watermark = min(groups.values())
            views = {group: self._known[group] for group, at in groups.items() if at == watermark}
            bound = min((at for at in groups.values() if at > watermark), default=progress)
            additions, reached = self._ledger.additions(partition, watermark, bound, self._chunk_rows)
            self._view.apply(Change(views, {partition: (watermark, reached)}, additions))
            offsets = (reached - watermark) * len(views)
            healed += offsets
            self._progress(offsets)
        if healed:
            self._metrics.healed.inc(healed)
            log.info("view_healed", partition=partition.number, offsets=healed)
