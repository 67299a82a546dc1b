"""R4 for decisions made by REST: once the log is quiet, none waits for its record."""

from datetime import datetime, timedelta

from models.transaction import EPOCH
from streams.reconcile.check import SHOWN, Check
from streams.reconcile.ports import Books

SOON = timedelta(seconds=10)


def waiting_rows(books: Books, quiet_at: datetime | None, check: Check) -> int:
    """How many decisions wait for their record.

    quiet_at: when the workers were seen to be done with everything; None where they were not.
    """
    found = books.unclaimed(quiet_at - SOON if quiet_at else EPOCH, SHOWN)
    check.checked += found.rows
    check.find_many(
        found.overdue,
        (f"transaction {name} was decided by REST, and no record has come" for name in found.first),
    )
    return found.rows
