"""Changes to a view as sweeps and healing make them, and what a view shows of itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.features import ENTITIES, Entity
from models.history import EVENT, pack
from streams.ports import Additions, Change, View
from streams.topics import Partition

VIEW = "ledger-1:e1"
P0, P1 = Partition("transactions-id", 0), Partition("transactions-id", 1)

Named = tuple[Entity, str]
Rewrites = dict[Entity, dict[str, tuple[bytes, bytes]]]


def packed(*payloads: int) -> Any:
    """Records of one second each, in the order of their payloads."""
    times = np.arange(len(payloads), dtype=np.int64) + 1_700_000_000
    return pack(times, np.array(payloads, np.int64), EVENT)


def history(*payloads: int) -> bytes:
    """The bytes of records that were appended one by one."""
    return b"".join(packed(payload).tobytes() for payload in payloads)


def additions(**payloads: Mapping[str, Sequence[int]]) -> Additions:
    """What to append: per kind of entity, payloads by id."""
    ids: dict[Entity, list[str]] = {entity: [] for entity in ENTITIES}
    records: dict[Entity, Any] = {}
    for entity in ENTITIES:
        flat = [(name, one) for name, many in payloads.get(entity, {}).items() for one in many]
        ids[entity] = [name for name, _ in flat]
        records[entity] = np.concatenate([packed(), *(packed(one) for _, one in flat)])
    return Additions(ids, records)


def change(
    moves: Mapping[Partition, tuple[int, int]],
    *,
    views: Mapping[int, str] | None = None,
    rewrites: Rewrites | None = None,
    **payloads: Mapping[str, Sequence[int]],
) -> Change:
    return Change(views or {0: VIEW}, moves, additions(**payloads), rewrites or {})


def begun(view: View, name: str = VIEW) -> View:
    """The view, with all groups begun under one name."""
    for group in range(view.groups):
        found = view.read({}, [], {}).groups[group].view
        assert view.adopt(group, found, name)
    return view


def everywhere(view: View, name: str = VIEW) -> dict[int, str]:
    return dict.fromkeys(range(view.groups), name)


def of(view: View, entity: Entity, *names: str, within: str = VIEW) -> list[bytes | None]:
    """Histories as they are stored."""
    return list(view.read(everywhere(view, within), [], {entity: names}).histories[entity])


def marks(view: View, *partitions: Partition, within: str = VIEW) -> list[list[int]]:
    """Watermarks, group by group."""
    read = view.read(everywhere(view, within), partitions, {})
    return [[state.watermarks[each] for each in partitions] for state in read.groups]


def contents(view: View, names: Mapping[int, str]) -> dict[Named, list[bytes]]:
    """Every history of a view, records in the order of their bytes: in which they came does not matter."""
    found = sorted(set(view.names(names)))
    wanted: dict[Entity, list[str]] = {
        entity: [name for kind, name in found if kind == entity] for entity in ENTITIES
    }
    read = view.read(names, [], wanted)
    return {
        (entity, name): sorted((raw or b"")[at : at + 12] for at in range(0, len(raw or b""), 12))
        for entity in ENTITIES
        for name, raw in zip(wanted[entity], read.histories[entity], strict=True)
    }
