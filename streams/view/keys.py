"""Names of keys. A hash tag keeps a state group together, an epoch keeps an old view out of a new one."""

from collections.abc import Sequence
from zlib import crc32

from models.features import Entity
from streams.topics import Partition

INITIALS: dict[Entity, str] = {"customer": "c", "terminal": "t"}


def group_of(entity: Entity, name: str, groups: int) -> int:
    """The state group that holds an entity's history: the same in every process."""
    return groups_of(entity, [name], groups)[0]


def groups_of(entity: Entity, names: Sequence[str], groups: int) -> list[int]:
    """The same, of many at once."""
    if groups == 1:
        return [0] * len(names)
    begin = crc32(f"{INITIALS[entity]}:".encode())
    return [crc32(name.encode(), begin) % groups for name in names]


def view_key(group: int, groups: int) -> str:
    return f"{{fraud.{groups}.{group}}}view"


def prefix(group: int, groups: int, view: str) -> str:
    """What all keys of one view begin with; `view` is the value of its view key."""
    return f"{{fraud.{groups}.{group}}}{view.rpartition(':')[2]}:"


def watermark_keys(start: str, partitions: Sequence[Partition]) -> list[str]:
    return [f"{start}w:{partition.topic_id}:{partition.number}" for partition in partitions]


def short_key(entity: Entity, name: str) -> str:
    """A history's key, less its prefix."""
    return f"{INITIALS[entity]}:{name}"
