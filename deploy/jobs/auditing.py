"""The audit table, proven and exported: against itself, against a head of before, and against an export."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from deploy.jobs.connections import audit_of
from models.errors import BadFile, Misuse
from streams.ledger.audit import AT_ONCE, NOTHING_BEFORE, Break, Head, PostgresAudit
from streams.settings import Settings


class Line(msgspec.Struct, frozen=True):
    """A line of an export. row: as it was hashed, sign by sign."""

    prev_hash: str
    hash: str
    row: msgspec.Raw

    @property
    def audit_id(self) -> int:
        return msgspec.json.decode(self.row, type=Numbered).audit_id


class Numbered(msgspec.Struct, frozen=True):
    audit_id: int


def told_head(settings: Settings) -> dict[str, Any]:
    """`{"rows": ..., "audit_id": the last row, "hash": ...}`"""
    with audit_of(settings) as audit:
        return _as_dict(audit.head())


def exported(settings: Settings, write: Callable[[bytes], object]) -> dict[str, Any]:
    """Every row, a line each, to `write`; the head that they end in."""
    rows, last = 0, Line("", NOTHING_BEFORE.hex(), msgspec.Raw(b'{"audit_id":0}'))
    with audit_of(settings) as audit:
        for text in audit.lines():
            write(text + b"\n")
            rows, last = rows + 1, msgspec.json.decode(text, type=Line)
    return {"rows": rows, "audit_id": last.audit_id, "hash": last.hash}


def export_to_file(settings: Settings, out: Path) -> dict[str, Any]:
    """
    Raises:
        BadFile: it is there already: an export is evidence, and is not written over.
    """
    try:
        with out.open("xb") as file:
            return exported(settings, file.write)
    except FileExistsError:
        raise BadFile(f"{out} is there already", next_step="choose another name") from None
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def verified(settings: Settings, head: str | None, export: Path | None) -> dict[str, Any]:
    """`{"rows": ..., "audit_id": ..., "hash": ..., "broken": None or {"audit_id": ..., "why": ...}}`

    Args:
        head: a hash that was told before, in hexadecimal.
        export: a file that was exported before.
    Raises:
        Misuse: the head is no hash.
        BadFile: the export cannot be read, or is itself not as it was written.
    """
    wanted = None if head is None else _hash(head)
    with audit_of(settings) as audit:
        found = audit.head()
        broken = audit.first_break()
        if broken is None and wanted is not None and not audit.holds(wanted):
            broken = Break(
                None, f"no row has the hash {head}: rows at the end are gone, or all were made anew"
            )
        if broken is None and export is not None:
            broken = _gone(audit, export)
    return {**_as_dict(found), "broken": broken and broken._asdict()}


def _gone(audit: PostgresAudit, export: Path) -> Break | None:
    """The first row of an export that is not in the table as it was then."""
    lines = _lines(export)
    while some := list(islice(lines, AT_ONCE)):
        there = audit.hashes([line.audit_id for line in some])
        for line in some:
            if line.audit_id not in there:
                return Break(line.audit_id, f"{export} has it, and the table does not")
            if there[line.audit_id].hex() != line.hash:
                return Break(line.audit_id, f"it is another one than in {export}")
    return None


def _lines(export: Path) -> Iterator[Line]:
    """The lines of a file, each proven by its hash and the one before."""
    before = NOTHING_BEFORE
    try:
        with export.open("rb") as file:
            for number, text in enumerate(file, start=1):
                line = msgspec.json.decode(text, type=Line)
                own = hashlib.sha256(before + bytes(line.row)).digest()
                if line.prev_hash != before.hex() or line.hash != own.hex():
                    raise BadFile(
                        f"line {number} of {export} is not as it was exported",
                        next_step="verify against another export",
                    )
                yield line
                before = own
    except OSError as error:
        raise BadFile(f"{export} cannot be read", why=str(error.strerror)) from None
    except msgspec.DecodeError as error:
        raise BadFile(f"{export} is no export of the audit table", why=str(error)) from None


def _as_dict(head: Head) -> dict[str, Any]:
    return {**head._asdict(), "hash": head.hash.hex()}


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != len(NOTHING_BEFORE):
        raise Misuse(f"{text} is no head", next_step="use what fraudml audit head has printed")
    return found
