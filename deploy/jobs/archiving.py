"""Months of decisions leave the ledger: written to a file, read back, and only then deleted.

Killed at any point, the next run goes on: before a month is noted in the ledger its file is written anew, and
after that its rows are moved by what the file holds, those that have left being passed over.
"""

from contextlib import closing
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from deploy.archive.errors import CannotArchive
from deploy.archive.files import ids_of, opened, write
from deploy.archive.manifest import name_of, sealed
from deploy.archive.months import after, begin_of, due
from deploy.archive.store import below, proven, put
from deploy.backup.manifest import stored
from deploy.backup.staging import scratch
from deploy.jobs.noting import noted
from deploy.stack.report import Report
from streams.kinds_of_settings import FEWEST_DAYS_KEPT
from streams.ledger.archiving import ArchivedMonth, Counted, PostgresArchiving, Span
from streams.settings import Settings

MOVED_AT_ONCE = 2000
NOT_SET = "FRAUDML_KEEP_DECISIONS_DAYS is not set: decisions are kept in the ledger for ever"


class Orders(NamedTuple):
    """to: a folder, or s3://bucket/prefix. dry_run: only tell. now: the time."""

    to: str
    now: datetime
    dry_run: bool = False
    who: str | None = None
    why: str = ""


def archive(settings: Settings, orders: Orders, report: Report) -> dict[str, Any]:
    """Have every month leave that is older than the setting. What was done, as a document.

    Raises:
        CannotArchive: another archiving is at work.
        BadArchive: a file is not what was written: nothing of it has left that was not proven.
        Unavailable: Postgres or the place is away.
    """
    if settings.keep_decisions_days is None:
        report.note(NOT_SET)
        return {"archived": [], "held_back": [], "moved": 0}
    url = settings.database_url_migrator or settings.database_url
    with closing(PostgresArchiving(url, settings.scan_timeout_s)) as ledger, ledger.alone() as is_alone:
        if not is_alone:
            raise CannotArchive("another archiving is at work on this ledger", next_step="wait for it")
        return _Archiving(settings, orders, ledger, report).run(settings.keep_decisions_days)


def listed(settings: Settings) -> list[ArchivedMonth]:
    """The months that have left, the oldest first."""
    url = settings.database_url_migrator or settings.database_url
    with closing(PostgresArchiving(url, settings.ledger_timeout_s)) as ledger:
        return ledger.months()


def span_of(month: date) -> Span:
    return begin_of(month), begin_of(after(month))


class _Archiving:
    def __init__(self, settings: Settings, orders: Orders, ledger: PostgresArchiving, report: Report) -> None:
        self._settings = settings
        self._orders = orders
        self._ledger = ledger
        self._report = report
        self._done: list[dict[str, Any]] = []
        self._held_back: list[dict[str, Any]] = []

    def run(self, keep_days: int) -> dict[str, Any]:
        known = self._ledger.months()
        for month in [each for each in known if each.finished_at is None]:
            self._take(month.month, month)
        for due_month in due(self._ledger.oldest(), self._orders.now, keep_days):
            if due_month not in {each.month for each in known}:
                self._take(due_month, None)
        moved = sum(each["moved"] for each in self._done)
        return {"archived": self._done, "held_back": self._held_back, "moved": moved}

    def _take(self, month: date, begun: ArchivedMonth | None) -> None:
        """One month, from where it is."""
        count = self._ledger.count(span_of(month))
        if begun is None and (count.newest_event is None or self._is_held_back(month, count)):
            return
        if self._orders.dry_run:
            self._done.append(self._told(month, begun, count.rows, 0))
            return
        what = {"to": begun.place if begun else self._orders.to, "rows": count.rows}
        name = f"decisions of {month:%Y-%m}"
        who, why = self._orders.who, self._orders.why
        with noted(self._settings, "archive", name, what, who=who, why=why) as ending:
            written = begun or self._written(month, count.rows)
            moved = self._moved(written)
            ending["after"] = f"{moved} decisions"
        self._done.append(self._told(month, written, count.rows, moved))

    def _told(self, month: date, written: ArchivedMonth | None, rows: int, moved: int) -> dict[str, Any]:
        told = {"month": f"{month:%Y-%m}", "rows": written.rows if written else rows, "moved": moved}
        if written:
            told |= {"place": written.place, "file": written.file, "bytes": written.bytes}
        return told

    def _is_held_back(self, month: date, count: Counted) -> bool:
        why = self._why_held_back(count)
        if why:
            self._held_back.append({"month": f"{month:%Y-%m}", "why": why})
            self._report.note(f"{month:%Y-%m} stays: {why}")
        return bool(why)

    def _why_held_back(self, count: Counted) -> str:
        if count.unclaimed:
            return f"{count.unclaimed:,} of its decisions by REST wait for their records"
        newest_day = self._ledger.newest_day()
        assert newest_day is not None, "there are decisions"
        assert count.newest_event is not None, "there are some of this month"
        if count.newest_event >= begin_of(newest_day) - timedelta(days=FEWEST_DAYS_KEPT):
            return "the windows of the newest transactions still reach into it"
        return ""

    def _written(self, month: date, rows: int) -> ArchivedMonth:
        """Its file, proven, and noted in the ledger."""
        with scratch() as folder:
            name = name_of(month, "parquet")
            with self._report.counting(f"writing {name}", rows) as count:
                written = write(folder / name, self._ledger.rows(span_of(month)), count)
            assert written.newest_event is not None, "there are rows"
            file = stored(folder, name)
            place = below(self._orders.to, self._ledger.ledger_id())
            noted_month = ArchivedMonth(
                month, place.where, name, written.rows, file.bytes, file.sha256, written.newest_event
            )
            put(place, folder / name, name)
            with proven(noted_month):
                put(place, self._manifest(folder, noted_month), name_of(month, "json"))
        self._ledger.begin(noted_month)
        return noted_month

    def _manifest(self, folder: Path, month: ArchivedMonth) -> Path:
        path = folder / "manifest"
        currency = self._settings.currency
        path.write_bytes(sealed(month, self._ledger.ledger_id(), currency, version("fraudml")))
        return path

    def _moved(self, month: ArchivedMonth) -> int:
        """By what its file holds, read back once more; what has left is passed over. How many left now."""
        span, moved = span_of(month.month), 0
        with (
            proven(month) as path,
            opened(path, month.file) as file,
            self._report.counting(f"moving {month.month:%Y-%m}", month.rows) as count,
        ):
            for ids, hashes in ids_of(file, MOVED_AT_ONCE):
                moved += self._ledger.move(span, ids, hashes)
                count(len(ids))
        if left := self._ledger.count(span).rows:
            self._report.note(
                f"{left:,} decisions of {month.month:%Y-%m} came after its file was written: they stay"
            )
        self._ledger.finish(month.month)
        return moved
