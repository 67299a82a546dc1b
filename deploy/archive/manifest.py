"""What lies beside a month's file and tells, without the ledger, what that is: `decisions-2026-01.json`."""

from datetime import date, datetime

import msgspec

from streams.ledger.archiving import ArchivedMonth

FORMAT = "fraudml-archive/1"


class MonthManifest(msgspec.Struct, frozen=True, kw_only=True):
    """ledger_id: whose decisions they are. newest_event: of its transactions. currency: of its amounts."""

    format: str = FORMAT
    ledger_id: str
    month: date
    file: str
    rows: int
    bytes: int
    sha256: str
    newest_event: datetime
    currency: str
    version: str


def name_of(month: date, ending: str) -> str:
    return f"decisions-{month:%Y-%m}.{ending}"


def sealed(month: ArchivedMonth, ledger_id: str, currency: str, version: str) -> bytes:
    fields = {name: getattr(month, name) for name in ("month", "file", "rows", "bytes", "sha256")}
    manifest = MonthManifest(
        ledger_id=ledger_id, newest_event=month.newest_event, currency=currency, version=version, **fields
    )
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)
