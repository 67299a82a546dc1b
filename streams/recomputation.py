"""Histories that mean the same, told apart from those that do not: many at once, or one in pieces."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compaction import compacted
from models.features import Entity
from models.history import RECORD, Ints, Retention

# A history that is put together from pieces is made smaller before it has more records than this.
MOST_RECORDS = 16_384

Packed = NDArray[np.void]


def canonical(raw: bytes, entity: Entity, retention: Retention, from_s: int = 0) -> bytes:
    """The same for histories that mean the same: compacted as far as can be, in one order.

    from_s: of a whole hour; what is older is left out. It may be in one history and not in the other: of the
    newer records the same become tiles, as those are counted from the newest on.
    """
    small = np.frombuffer(compacted(raw, entity, retention), RECORD)
    return np.sort(small[small["time_s"] >= from_s], order=["time_s", "value"]).tobytes()


def joined(pieces: Iterable[bytes], entity: Entity, retention: Retention) -> bytes:
    """One history of any length, in the memory of a small one: no feature can tell the difference."""
    whole = b""
    for piece in pieces:
        whole += piece
        if len(whole) > MOST_RECORDS * RECORD.itemsize:
            whole = compacted(whole, entity, retention)
    return whole


@dataclass(frozen=True, slots=True)
class Bundle:
    """The records of `count` histories. code: which history each record belongs to."""

    count: int
    code: Ints
    records: Packed

    @classmethod
    def of(cls, histories: Sequence[bytes | None]) -> "Bundle":
        stored = [raw or b"" for raw in histories]
        sizes = [len(raw) // RECORD.itemsize for raw in stored]
        return cls(
            len(stored), np.repeat(np.arange(len(stored)), sizes), np.frombuffer(b"".join(stored), RECORD)
        )

    def sizes(self) -> Ints:
        return np.bincount(self.code, minlength=self.count)

    def in_order(self) -> "Bundle":
        order = np.lexsort((self.records["value"], self.records["time_s"], self.code))
        return self.where(order)

    def where(self, chosen: NDArray[Any]) -> "Bundle":
        return Bundle(self.count, self.code[chosen], self.records[chosen])

    def since(self, from_s: int) -> "Bundle":
        """Records of this moment or later."""
        return self.where(self.records["time_s"] >= from_s) if from_s else self

    def raw(self, code: int) -> bytes:
        """One history of a bundle that is in order."""
        first, last = np.searchsorted(self.code, (code, code + 1))
        return self.records[first:last].tobytes()


def unlike(seen: Bundle, expected: Bundle) -> list[int]:
    """Codes of the histories that do not have the same records. Both bundles are in order."""
    same_size = seen.sizes() == expected.sizes()
    left, right = (each.where(same_size[each.code]) for each in (seen, expected))
    others = left.code[left.records != right.records]
    return sorted({*np.flatnonzero(~same_size).tolist(), *others.tolist()})
