"""A table of transactions as columns: what the generator yields, files hold and the replayer sends."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000

# Ids are numpy arrays of references to Python strings. Where ids repeat (customers, terminals) all rows share
# one string, so such a column costs 8 bytes a row and only transaction ids cost 70: the 1.75 M rows of the
# handbook's table take about 190 MB. Slicing and sorting move references, and nothing has to be decoded
# before it is sent. Fixed-width numpy strings would need 256 bytes for an id of 64 characters.
Ids = NDArray[np.object_]
Ints = NDArray[np.int64]
Flags = NDArray[np.int8]
Rows = slice | NDArray[np.bool_] | NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Transactions:
    """Columns of equal length, one entry per transaction, shape (rows,).

    `amount_minor` is in the smallest unit of `currency`, `event_time_ms` in milliseconds since 1970 UTC.
    `label` is 1 for fraud and 0 for genuine, `scenario` says how a simulated fraud came about (0: it is
    none); both are None where the source does not say.
    """

    transaction_id: Ids
    customer_id: Ids
    terminal_id: Ids
    amount_minor: Ints
    event_time_ms: Ints
    label: Flags | None = None
    scenario: Flags | None = None
    currency: str = "EUR"

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in self.column_names()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.event_time_ms)

    def __getitem__(self, rows: Rows) -> Self:
        """The rows of a slice, of a mask, or of indices in their order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.column_names()})

    def column_names(self) -> tuple[str, ...]:
        """The columns this table has, in order."""
        names = (field.name for field in fields(self) if field.name != "currency")
        return tuple(name for name in names if getattr(self, name) is not None)

    def days(self) -> Iterator[tuple[date, Self]]:
        """The table by UTC day, days ascending; within a day rows keep the order they have here."""
        number = self.event_time_ms // DAY_MS
        order = np.argsort(number, kind="stable")
        days, first = np.unique(number[order], return_index=True)
        for day, rows in zip(days.tolist(), np.split(order, first[1:]), strict=False):
            yield day_of(day * DAY_MS), self[rows]


def concatenated(tables: Sequence[Transactions]) -> Transactions:
    """The rows of all tables, in that order. A column that only some of them have is an error.

    Raises:
        ValueError: there is no table, or they differ in columns or in currency.
    """
    if not tables:
        raise ValueError("nothing to concatenate")
    first = tables[0]
    if len({(table.column_names(), table.currency) for table in tables}) > 1:
        raise ValueError("tables differ in columns or currency")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(table, name) for table in tables]) for name in first.column_names()
    }
    return replace(first, **joined)


def codes_of(ids: Iterable[str]) -> NDArray[np.int32]:
    """Each id as the number of its first appearance: 0 for the first id, 1 for the next new one, ..."""
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in ids), np.int32)


def day_of(event_time_ms: int) -> date:
    """The UTC day of a moment."""
    return datetime.fromtimestamp(event_time_ms // DAY_MS * (DAY_MS // 1000), UTC).date()


def midnight_ms(day: date) -> int:
    """The first moment of a UTC day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
