"""The view and its healing without one of their guards."""

import threading
from dataclasses import replace
from typing import Any

from load.doubles import FakeView, Group
from load.simulation.without.patches import Patch
from streams.healing import ViewKeeper
from streams.ports import Applied, Change
from streams.topics import Partition
from streams.view.keys import group_of


def watermark() -> list[Patch]:
    """The view takes whatever it is told."""
    return [(FakeView, "_apply", _apply_unchecked)]


def _apply_unchecked(self: FakeView, number: int, view: str, change: Change) -> Applied:
    group = self.state[number]
    moves = {partition: move for partition, move in change.moves.items() if move[0] != move[1]}
    if group.view != view:
        return Applied.REFUSED
    group.watermarks |= {
        (view, partition): max(move[1], group.watermarks.get((view, partition), 0))
        for partition, move in moves.items()
    }
    self._write(number, group, view, change)
    return Applied.NOW


def view_key() -> list[Patch]:
    """Whatever the view holds is taken for ours."""

    def adopt(self: ViewKeeper) -> None:
        for group, state in enumerate(self._view.read(self._known, [], {}).groups):
            if state.view is None:
                self._view.adopt(group, None, "any:view")
            self._known[group] = state.view or "any:view"

    return [(ViewKeeper, "_adopt", adopt)]


def heal_on_reconnect() -> list[Patch]:
    """A new connection is taken for the old one."""
    whole = ViewKeeper._whole

    def unaware(self: ViewKeeper, read: Any, expected: Any) -> bool:
        self._connections = self._view.connections
        return whole(self, read, expected)

    original = ViewKeeper.read

    def read(self: ViewKeeper, topic_id: str, progress: Any, wanted: Any) -> Any:
        if self._known:
            self._connections = self._view.connections
        return original(self, topic_id, progress, wanted)

    return [(ViewKeeper, "_whole", unaware), (ViewKeeper, "read", read)]


def heal_everything() -> list[Patch]:
    """A new connection heals the partitions that it is asked for, and no others."""
    read, heal = ViewKeeper.read, ViewKeeper._heal_partition
    asked = threading.local()

    def remember(self: ViewKeeper, topic_id: str, progress: Any, wanted: Any) -> Any:
        asked.partitions = {Partition(topic_id, number) for number in progress}
        return read(self, topic_id, progress, wanted)

    def heal_asked(self: ViewKeeper, partition: Partition, progress: int) -> None:
        if partition in asked.partitions:
            heal(self, partition, progress)

    return [(ViewKeeper, "read", remember), (ViewKeeper, "_heal_partition", heal_asked)]


def behind_is_healed() -> list[Patch]:
    """A view behind the progress is read as it is."""
    whole = ViewKeeper._whole

    def whatever(self: ViewKeeper, read: Any, expected: Any) -> bool:
        return whole(self, read, dict.fromkeys(expected, 0)) if _behind(read, expected) else True

    return [(ViewKeeper, "_whole", whatever)]


def _behind(read: Any, expected: Any) -> bool:
    return any(
        state.watermarks[each] < progress for state in read.groups for each, progress in expected.items()
    )


def view_epoch() -> list[Patch]:
    """A view made anew has the names of the one before, and so finds what that has left."""

    def adopt(self: FakeView, group: int, found: str | None, view: str) -> bool:
        before = self.state[group]
        if before.view != found:
            return False
        marks = {(view, partition): at for (_, partition), at in before.watermarks.items()}
        histories = {(view, entity, name): raw for (_, entity, name), raw in before.histories.items()}
        self.state[group] = Group(view, marks, histories)
        return True

    return [(FakeView, "adopt", adopt)]


def healing_refusal() -> list[Patch]:
    """Healing appends whether or not somebody else has healed meanwhile."""
    guarded, heal = FakeView._apply, ViewKeeper._heal_partition
    here = threading.local()  # each worker has a thread of its own

    def apply(self: FakeView, number: int, view: str, change: Change) -> Applied:
        heals = getattr(here, "heals", False)
        return (_apply_unchecked if heals else guarded)(self, number, view, change)

    def marked(self: ViewKeeper, partition: Partition, progress: int) -> None:
        here.heals = True
        try:
            heal(self, partition, progress)
        finally:
            here.heals = False

    return [(FakeView, "_apply", apply), (ViewKeeper, "_heal_partition", marked)]


def trim_compare_and_set() -> list[Patch]:
    """A trimmed history replaces the stored one, whatever was appended since."""

    def write(self: FakeView, number: int, group: Group, view: str, change: Change) -> None:
        for entity, rewrites in change.rewrites.items():
            for name, (_, after) in rewrites.items():
                if group_of(entity, name, self.groups) == number:
                    group.histories[view, entity, name] = after
        guarded(self, number, group, view, replace(change, rewrites={}))

    guarded = FakeView._write
    return [(FakeView, "_write", write)]
