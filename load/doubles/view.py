"""`streams.ports.View` in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.errors import ViewUnavailable
from models.features import ENTITIES, Entity
from streams.ports import Applied, Change, GroupState, ViewRead
from streams.topics import Partition
from streams.view.keys import group_of


@dataclass
class Group:
    """One state group of the fake view."""

    view: str | None = None
    watermarks: dict[tuple[str, Partition], int] = field(default_factory=dict)  # by view
    histories: dict[tuple[str, Entity, str], bytes] = field(default_factory=dict)


@dataclass
class FakeView:
    """Histories and watermarks, as Redis keeps them. `reconnect` is what a restart looks like from outside.

    reachable: false is what a stopped server looks like.
    """

    groups: int = 1
    connections: int = 1
    state: list[Group] = field(default_factory=list)
    reachable: bool = True

    def __post_init__(self) -> None:
        self.state = self.state or [Group() for _ in range(self.groups)]

    def reconnect(self) -> None:
        self.connections += 1

    def _reach(self) -> None:
        if not self.reachable:
            raise ViewUnavailable("the fake view is out of reach")

    def read(
        self,
        views: Mapping[int, str],
        partitions: Sequence[Partition],
        wanted: Mapping[Entity, Sequence[str]],
    ) -> ViewRead:
        self._reach()
        states = []
        for number, group in enumerate(self.state):
            view = views.get(number, "")
            marks = {partition: group.watermarks.get((view, partition), 0) for partition in partitions}
            states.append(GroupState(group.view, marks))
        histories = {
            entity: [self._history(views, entity, name) for name in names] for entity, names in wanted.items()
        }
        return ViewRead(states, histories)

    def _history(self, views: Mapping[int, str], entity: Entity, name: str) -> bytes | None:
        number = group_of(entity, name, self.groups)
        return self.state[number].histories.get((views.get(number, ""), entity, name))

    def apply(self, change: Change) -> dict[int, Applied]:
        self._reach()
        return {number: self._apply(number, view, change) for number, view in change.views.items()}

    def _apply(self, number: int, view: str, change: Change) -> Applied:
        group = self.state[number]
        moves = {partition: move for partition, move in change.moves.items() if move[0] != move[1]}
        if not moves:
            return Applied.BEFORE
        if group.view != view:
            return Applied.REFUSED
        marks = {partition: group.watermarks.get((view, partition), 0) for partition in moves}
        if all(marks[partition] >= move[1] for partition, move in moves.items()):
            return Applied.BEFORE
        if any(marks[partition] != move[0] for partition, move in moves.items()):
            return Applied.REFUSED
        group.watermarks |= {(view, partition): move[1] for partition, move in moves.items()}
        self._write(number, group, view, change)
        return Applied.NOW

    def _write(self, number: int, group: Group, view: str, change: Change) -> None:
        for entity, rewrites in change.rewrites.items():
            for name, (before, after) in rewrites.items():
                if group.histories.get((view, entity, name)) == before:
                    group.histories[view, entity, name] = after
        for entity in ENTITIES:
            names, packed = change.additions.ids[entity], change.additions.records[entity]
            for position, name in enumerate(names):
                if group_of(entity, name, self.groups) == number:
                    key = (view, entity, name)
                    record = packed[position : position + 1].tobytes()
                    group.histories[key] = group.histories.get(key, b"") + record

    def names(self, views: Mapping[int, str]) -> Iterator[tuple[Entity, str]]:
        self._reach()
        for number, view in views.items():
            for found, entity, name in self.state[number].histories:
                if found == view:
                    yield entity, name

    def adopt(self, group: int, found: str | None, view: str) -> bool:
        self._reach()
        if self.state[group].view != found:
            return False
        self.state[group] = replace(Group(), view=view)
        return True
