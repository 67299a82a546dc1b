"""Cells of a file's column -> our units. Whatever is not what the column map says becomes BadFile."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from load.column_map import Amount
from load.columns import Flags, Ids, Ints
from models.errors import BadFile
from models.transaction import LARGEST_AMOUNT_MINOR

LONGEST_ID = 64
LATEST_MS = 253_402_300_799_999  # the end of the year 9999, the last that RFC 3339 can write
TO_MS = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}
ONE_CURRENCY = "make one file per currency: a deployment has one"
CURRENCY = re.compile("[A-Z]{3}")
ZONED = re.compile(r":.*(Z|[+-]\d\d:?(\d\d)?)$")


@dataclass(frozen=True, slots=True)
class Column:
    """Part of one column of a file. `rows` are the numbers of its cells in the file, from 1."""

    path: Path
    name: str
    cells: Any  # a pyarrow.Array
    rows: Ints

    def refuse_where(self, bad: NDArray[np.bool_], what: str, next_step: str) -> None:
        """Raise for the first bad cell, if there is one."""
        if bad.any():
            first = int(bad.argmax())
            why = f"row {self.rows[first]} holds {shown(self.cells[first])}"
            raise BadFile(f"{self.path}: column {self.name} has {what}", why=why, next_step=next_step)

    def refuse_nulls(self) -> None:
        if self.cells.null_count:
            self.refuse_where(booleans(self.cells.is_null()), "an empty cell", "fill or drop such rows")

    def of_wrong_kind(self, wanted: str, next_step: str) -> BadFile:
        return BadFile(
            f"{self.path}: column {self.name} is {self.cells.type}, not {wanted}", next_step=next_step
        )


def shown(cell: Any) -> str:
    """A pyarrow.Scalar as a person reads it; Python has no value for some times."""
    try:
        return repr(cell.as_py())
    except (ValueError, OverflowError):
        return "what cannot be shown"


def booleans(cells: Any) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = cells.to_numpy(zero_copy_only=False)
    return mask


def decoded(cells: Any) -> Any:
    """Cells themselves, where the file keeps them as numbers of a dictionary."""
    return cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells


def filtered(batch: Any, rows: NDArray[np.bool_]) -> Any:
    """The batch's rows where the mask is set."""
    return batch if rows.all() else batch.filter(pa.array(rows))


def times_ms(column: Column, zone: str) -> Ints:
    """Milliseconds since 1970 UTC, finer parts dropped. Times that state no zone are in `zone`.

    An hour that the zone's clocks repeat in autumn is taken as its first pass, one that they skip in spring
    as the moment of the change.
    """
    column.refuse_nulls()
    stamps = column.cells if pa.types.is_timestamp(column.cells.type) else parsed_times(column)
    if stamps.type.tz is None and zone != "UTC":
        try:
            stamps = pc.assume_timezone(stamps, zone, ambiguous="earliest", nonexistent="latest")
        except pa.ArrowInvalid as error:
            raise BadFile(f"{column.path}: zone {zone}", why=str(error), next_step="use UTC") from None
    factor, divisor = TO_MS[stamps.type.unit]
    ticks: Ints = stamps.cast(pa.int64()).to_numpy(zero_copy_only=False)
    outside = (ticks < 0) | (ticks > LATEST_MS * divisor // factor)
    column.refuse_where(outside, "a time before 1970 or after 9999", "correct or drop such rows")
    return ticks * factor // divisor


def parsed_times(column: Column) -> Any:
    """RFC 3339 text as timestamps; either all cells state a zone or none does."""
    if not is_text(column.cells.type):
        raise column.of_wrong_kind("a time", "write it as a timestamp, or as text like 2018-04-01T00:00:31Z")
    zoned = len(column.cells) and ZONED.search(column.cells[0].as_py())
    try:
        return column.cells.cast(pa.timestamp("ns", "UTC" if zoned else None))
    except pa.ArrowInvalid as error:
        what = f"{column.path}: column {column.name} has a time that cannot be read"
        next_step = "write all times like 2018-04-01T00:00:31Z, or all without the zone"
        raise BadFile(what, why=str(error), next_step=next_step) from None


def amounts_minor(column: Column, amount: Amount) -> Ints:
    """Whole minor units, from 0 to 10^12. Major units are rounded to the nearest minor one."""
    column.refuse_nulls()
    if not is_number(column.cells.type):
        raise column.of_wrong_kind("a number", "write amounts as numbers")
    # Doubles hold every whole minor unit far beyond the largest amount.
    given = column.cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    minor = given * 10**amount.decimals if amount.unit == "major" else given
    whole = np.rint(minor)
    column.refuse_where(~(whole >= 0), "an amount that is not 0 or more", "correct or drop such rows")
    too_much = whole > LARGEST_AMOUNT_MINOR
    column.refuse_where(too_much, "an amount above 10^12 minor units", "check unit and decimals in [amount]")
    if amount.unit == "minor":
        column.refuse_where(whole != minor, "a part of a minor unit", 'set unit = "major" in [amount]')
    exact: Ints = whole.astype(np.int64)
    return exact


def ids(column: Column, shared: dict[str, str] | None = None) -> Ids:
    """Ids as strings. With `shared`, equal ids of all calls are one and the same string."""
    column.refuse_nulls()
    if not (is_text(column.cells.type) or pa.types.is_integer(column.cells.type)):
        raise column.of_wrong_kind("an id", "write ids as text or as whole numbers")
    encoded = column.cells.cast(pa.string()).dictionary_encode()
    code = encoded.indices.to_numpy(zero_copy_only=False)
    known: Ids = encoded.dictionary.to_numpy(zero_copy_only=False)
    bad = np.array([not (0 < len(key) <= LONGEST_ID and key.isprintable()) for key in known], bool)
    what = f"an id that is not 1 to {LONGEST_ID} printable characters"
    column.refuse_where(bad[code], what, "shorten or replace such ids, the same way everywhere")
    if shared is not None:
        known[:] = [shared.setdefault(key, key) for key in known]
    every: Ids = known[code]
    return every


def labels(column: Column) -> Flags:
    """1 for fraud, 0 for genuine."""
    return small_numbers(column, 1, "a label that is not 0 or 1", "write 1 for fraud, 0 for genuine")


def scenarios(column: Column) -> Flags:
    """How a simulated fraud came about."""
    return small_numbers(column, 127, "a scenario that is not 0 to 127", "number the scenarios from 0")


def small_numbers(column: Column, largest: int, what: str, next_step: str) -> Flags:
    column.refuse_nulls()
    kind = column.cells.type
    if not (pa.types.is_boolean(kind) or pa.types.is_integer(kind)):
        raise column.of_wrong_kind("a whole number or a boolean", next_step)
    numbers = column.cells.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False)
    column.refuse_where((numbers < 0) | (numbers > largest), what, next_step)
    small: Flags = numbers.astype(np.int8)
    return small


def only_currency(column: Column, known: str | None) -> str | None:
    """The one currency of these rows and, if it is `known` already, of all rows before them."""
    codes = ids(column)
    if not len(codes):
        return known
    first = known or str(codes[0])
    bad = codes != first if CURRENCY.fullmatch(first) else np.ones(len(codes), bool)
    column.refuse_where(
        bad, f"a currency other than one ISO 4217 code for all rows ({first!r} so far)", ONE_CURRENCY
    )
    return first


def is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
