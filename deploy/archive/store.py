"""Where an archive's files lie, written and proven by reading them back: a folder, or a bucket of any S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.archive.errors import BadArchive
from deploy.archive.files import opened
from deploy.backup.errors import BadBackup
from deploy.backup.manifest import StoredFile
from deploy.backup.places import BackupPlace, checked, on_disk, place_of
from deploy.backup.staging import scratch
from streams.ledger.archiving import ArchivedMonth

HELD = "month.parquet"


def below(to: str, ledger_id: str) -> BackupPlace:
    """The place of one ledger's files: a restored ledger has another id, and never writes over what was."""
    return place_of(f"{to.rstrip('/')}/{ledger_id}")


def put(place: BackupPlace, path: Path, name: str) -> None:
    """A file as it is to be found, whatever ends the machine next."""
    place.put(path, name)
    if place.local is not None:
        on_disk(place.local)


@contextmanager
def proven(month: ArchivedMonth) -> Iterator[Path]:
    """A copy of a month's file, read back from where it lies: hash, size and rows are as they were written.

    Raises:
        BadArchive: it is not there, or is not what was written.
        Unavailable: the place does not answer.
    """
    place = place_of(month.place)
    where = f"{month.file} of {month.place}"
    with scratch() as folder:
        copy = folder / HELD
        try:
            with copy.open("wb") as written:
                written.writelines(checked(place, StoredFile(month.file, month.bytes, month.sha256)))
        except BadBackup as error:
            raise BadArchive(
                f"{where} is not what was written",
                why=error.why or error.what,
                next_step="put the file back there; what has not left the ledger stays",
            ) from None
        with opened(copy, where) as file:
            rows = file.metadata.num_rows
        if rows != month.rows:
            raise BadArchive(f"{where} has {rows:,} rows", why=f"{month.rows:,} were written")
        yield copy
