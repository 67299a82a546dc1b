"""The view as a check sees it: histories, with the watermarks of their own group read at the same moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import ViewMoved
from models.features import Entity
from models.history import Ints
from streams.ports import Ledger, View
from streams.topics import Partition


@dataclass(frozen=True, slots=True)
class Seen:
    """histories: in the order asked for. watermarks: of each group."""

    histories: Mapping[Entity, Sequence[bytes | None]]
    watermarks: Sequence[Mapping[Partition, int]]

    def limits(self, known: Mapping[Partition, int]) -> Ints:
        """Next offset to apply, by group and partition; at most what is known of each partition."""
        found = [[min(marks.get(place, 0), at) for place, at in known.items()] for marks in self.watermarks]
        return np.array(found, np.int64).reshape(len(found), len(known))

    def beyond(self, progress: Mapping[Partition, int]) -> dict[Partition, tuple[int, int]]:
        """Spans of what a group has applied beyond the progress."""
        reached = {place: max(marks[place] for marks in self.watermarks) for place in self.watermarks[0]}
        return {
            partition: (progress.get(partition, 0), at)
            for partition, at in reached.items()
            if at > progress.get(partition, 0)
        }


class SeenView:
    """One view from beginning to end; of an earlier ledger's view nothing is seen, as no worker uses it."""

    def __init__(self, view: View, ledger: Ledger) -> None:
        self._view = view
        self._ledger = ledger
        self.views = views_of(view, ledger)

    def names(self) -> Iterator[tuple[Entity, str]]:
        return self._view.names(self.views)

    def read(self, wanted: Mapping[Entity, Sequence[str]]) -> Seen:
        """
        Raises:
            ViewMoved: the view was begun anew meanwhile.
        """
        while True:
            partitions = list(self._ledger.all_progress())
            read = self._view.read(self.views, partitions, wanted)
            if any(read.groups[group].view != view for group, view in self.views.items()):
                raise ViewMoved("the view was begun anew while it was read", next_step="run it again")
            # What a partition adds that nobody had settled before would be more than the watermarks tell.
            if len(self._ledger.all_progress()) == len(partitions):
                return Seen(read.histories, [state.watermarks for state in read.groups])


def views_of(view: View, ledger: Ledger) -> dict[int, str]:
    """The view key of each group that belongs to this ledger."""
    ours = f"{ledger.identity()}:"
    groups = view.read({}, [], {}).groups
    return {
        number: state.view
        for number, state in enumerate(groups)
        if state.view and state.view.startswith(ours)
    }
