"""A column map says how a foreign table of transactions is read.

It is a TOML file of four tables:

- `[columns]`: our field = the name of their column. Always transaction_id, customer_id, amount, event_time;
  terminal_id and currency here or as a constant; label and scenario if they have them.
- `[amount]`: unit, "major" (19.99, rounded to the minor unit) or "minor" (1999); decimals of the minor unit
  (0 to 4, default 2).
- `[time]`: zone, the IANA name for times that state none (default UTC).
- `[constants]`: terminal_id and currency, for what their table lacks.

The maps in the folder `maps` can be given by name: handbook, evalml, generated. `maps/handbook.toml` is
the annotated example.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from load.suggestion import did_you_mean
from models.errors import BadFile
from models.transaction import Identifier

MAPS = Path(__file__).parent / "maps"
EXAMPLE = "load/maps/handbook.toml is an annotated example"

Name = Annotated[str, Meta(min_length=1)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class Columns(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Their column for each of our fields; None where they have none."""

    transaction_id: Name
    customer_id: Name
    amount: Name
    event_time: Name
    terminal_id: Name | None = None
    currency: Name | None = None
    label: Name | None = None
    scenario: Name | None = None

    def named(self) -> dict[str, str]:
        """Our field -> their column, of those they have."""
        return {field: name for field, name in msgspec.structs.asdict(self).items() if name is not None}


class Amount(Struct, frozen=True, forbid_unknown_fields=True):
    unit: Literal["major", "minor"]
    decimals: Annotated[int, Meta(ge=0, le=4)] = 2


class Time(Struct, frozen=True, forbid_unknown_fields=True):
    zone: str = "UTC"


class Constants(Struct, frozen=True, forbid_unknown_fields=True):
    currency: Currency | None = None
    terminal_id: Identifier | None = None


class ColumnMap(Struct, frozen=True, forbid_unknown_fields=True):
    columns: Columns
    amount: Amount
    time: Time = Time()
    constants: Constants = Constants()


TABLES: dict[str, type[Struct]] = {
    "columns": Columns,
    "amount": Amount,
    "time": Time,
    "constants": Constants,
}


def read_column_map(source: str | Path) -> ColumnMap:
    """The map in a TOML file, or one of ours by its name.

    Raises:
        BadFile: no such file or name, not TOML, or a key is unknown, missing or of the wrong kind.
    """
    path = map_path(source)
    try:
        column_map = msgspec.toml.decode(path.read_bytes(), type=ColumnMap)
    except msgspec.ValidationError as error:
        raise not_a_map(path, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} is not TOML", why=str(error), next_step="correct that line") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise BadFile(f"{path} cannot be read", why=why, next_step="give a file that can be read") from None
    check(column_map, path)
    return column_map


def map_path(source: str | Path) -> Path:
    """Where a map is: one of ours if `source` is its name, else a file."""
    ours = sorted(path.stem for path in MAPS.glob("*.toml"))
    if str(source) in ours:
        return MAPS / f"{source}.toml"
    if not Path(source).is_file():
        next_step = f"give the path of a TOML file, or one of {', '.join(ours)}"
        raise BadFile(f"there is no column map {source}", next_step=next_step)
    return Path(source)


def check(column_map: ColumnMap, path: Path) -> None:
    """What the types do not say.

    Raises:
        BadFile: names the key.
    """

    def refuse(why: str, next_step: str) -> BadFile:
        return BadFile(f"{path} is not a column map", why=why, next_step=next_step)

    named = column_map.columns.named()
    for key in ("terminal_id", "currency"):
        given = (key in named) + (getattr(column_map.constants, key) is not None)
        if given != 1:
            why = f"{key} is given {'twice' if given else 'nowhere'}"
            raise refuse(why, f"give {key} either in [columns] or in [constants]")
    column, count = Counter(named.values()).most_common(1)[0]
    if count > 1:
        keys = " and ".join(field for field, name in named.items() if name == column)
        raise refuse(f"{keys} in [columns] are both {column!r}", "give each its own column")
    if not (column_map.constants.terminal_id or "").isprintable():
        raise refuse("terminal_id in [constants] holds an unprintable character", "leave that character out")
    if not known_zone(column_map.time.zone):
        why = f"zone in [time] is {column_map.time.zone!r}, which is no time zone"
        raise refuse(why, 'give an IANA name, such as "Europe/Paris"')


def known_zone(zone: str) -> bool:
    if zone == "UTC":  # needs no time zone database
        return True
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        return False
    return True


def not_a_map(path: Path, message: str) -> BadFile:
    """The decoder's message in the file's own terms, and the key that was probably meant."""
    place = re.search(r" - at `\$\.(\w+)(?:\.(\w+))?`", message)
    unknown = re.search(r"unknown field `(\w+)`", message)
    known = TABLES[place[1]] if place else ColumnMap
    next_step = did_you_mean(unknown[1], known.__struct_fields__) if unknown else EXAMPLE
    why = message.replace("Object contains", "There is an").replace("Object missing", "There is no")
    if place:
        key = f"{place[2]} in " if place[2] else ""
        why = f"{why[: why.index(' - at')]}: {key}[{place[1]}]"
    return BadFile(f"{path} is not a column map", why=why, next_step=next_step)
