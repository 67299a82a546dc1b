"""The records of some offsets beside what the ledger holds for the same offsets."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic, TypeVar

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Body]):
    """Records by offset. refused: those that would become dead letters today."""

    bodies: Mapping[int, Body]
    refused: AbstractSet[int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Offsets by what was found for them.

    own: as recorded. differing: recorded otherwise. dead: set aside. both: recorded and set aside.
    refused: malformed, and neither. rest: well-formed, and neither. without_record: the ledger has something
    where the log has nothing.
    """

    own: AbstractSet[int]
    differing: AbstractSet[int]
    dead: AbstractSet[int]
    both: AbstractSet[int]
    refused: AbstractSet[int]
    rest: AbstractSet[int]
    without_record: AbstractSet[int]


def compared(found: Decoded[Body], rows: Mapping[int, Body], dead: AbstractSet[int]) -> Comparison:
    """What was decided once stands: a record that would be refused today needs only to be recorded."""
    offsets = found.bodies.keys() | found.refused
    own = {offset for offset, body in found.bodies.items() if rows.get(offset) == body}
    differing = (found.bodies.keys() & rows.keys()) - own
    own |= found.refused & rows.keys()
    settled = rows.keys() | dead
    both = offsets & rows.keys() & dead
    return Comparison(
        own - both,
        differing - both,
        (offsets & dead) - both,
        both,
        found.refused - settled,
        found.bodies.keys() - settled,
        settled - offsets,
    )
