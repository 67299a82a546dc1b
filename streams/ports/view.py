"""Redis, as a sweep sees it: histories and watermarks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.features import Entity
from streams.topics import Partition


@dataclass(frozen=True, slots=True)
class Additions:
    """Records to append: per kind of entity, the ids and the packed records, one of each per addition."""

    ids: Mapping[Entity, Sequence[str]]
    records: Mapping[Entity, NDArray[np.void]]


class Applied(Enum):
    """What the view made of a change: one answer per state group."""

    NOW = "now"
    BEFORE = "before"  # the watermarks were past it already
    REFUSED = "refused"  # view or watermarks are not what was read


@dataclass(frozen=True, slots=True)
class GroupState:
    """A state group as it was read. watermarks: next offset to apply, 0 where nothing is."""

    view: str | None
    watermarks: Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class ViewRead:
    """groups: state of each. histories: per kind of entity, in the order asked for; None where empty."""

    groups: Sequence[GroupState]
    histories: Mapping[Entity, Sequence[bytes | None]]


@dataclass(frozen=True, slots=True)
class Change:
    """Appends to the view, atomic within each group.

    views: the view key's value by group; only these groups are changed. moves: watermarks as read, and as
    they will be. rewrites: per kind of entity, id to (history as read, smaller one of the same meaning); the
    additions come on top, and a history that has changed since is only appended to.
    """

    views: Mapping[int, str]
    moves: Mapping[Partition, tuple[int, int]]
    additions: Additions
    rewrites: Mapping[Entity, Mapping[str, tuple[bytes, bytes]]] = field(default_factory=dict)


class View(Protocol):
    """Redis: histories and watermarks, rebuildable. Every method raises ViewUnavailable when out of reach."""

    groups: int

    @property
    def connections(self) -> int:
        """How often a connection was made, or leads elsewhere: there, writes may have been lost."""

    def read(
        self,
        views: Mapping[int, str],
        partitions: Sequence[Partition],
        wanted: Mapping[Entity, Sequence[str]],
    ) -> ViewRead:
        """Watermarks and histories, one atomic command per group. `views` says which epoch to read."""

    def apply(self, change: Change) -> dict[int, Applied]:
        """Check views and watermarks, move the watermarks and append everything: all or nothing per group."""

    def names(self, views: Mapping[int, str]) -> Iterator[tuple[Entity, str]]:
        """The entities that have a history, in any order; for checks, not for sweeps."""

    def adopt(self, group: int, found: str | None, view: str) -> bool:
        """Begin a new, empty view of a group, if its key is still what was found."""
