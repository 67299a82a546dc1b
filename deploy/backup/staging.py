"""Where a backup is made and read: whole or not at all, whatever ends the work."""

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from deploy.backup.errors import CannotBackUp
from deploy.backup.manifest import Manifest, StoredFile
from deploy.backup.places import BackupPlace, checked, on_disk
from deploy.backup.sealing import ENDING, unseal
from deploy.stack.report import Report
from models.errors import FraudError

UNFINISHED = ".unfinished-"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A folder beside the target that becomes it at the end, or is gone.

    Raises:
        CannotBackUp: there is no room, or nobody may write there.
    """
    work = target.with_name(UNFINISHED + target.name)
    with no_room_told(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        work.mkdir(mode=0o700)
        try:
            yield work
            on_disk(work)
            work.rename(target)
            on_disk(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for our eyes only, in the folder for temporary files (TMPDIR)."""
    with (
        no_room_told(Path(tempfile.gettempdir())),
        tempfile.TemporaryDirectory(prefix="fraudml-backup-") as folder,
    ):
        yield Path(folder)


@contextmanager
def uploaded(place: BackupPlace) -> Iterator[None]:
    """What is put there within is gone again, unless all of it was put."""
    if place.names():
        raise CannotBackUp(f"there is something at {place.where}", next_step="name another place")
    try:
        yield
    except BaseException:
        # What went wrong first matters more than a bucket that cannot delete either.
        with suppress(FraudError):
            for name in place.names():
                place.remove(name)
        raise


@contextmanager
def no_room_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise CannotBackUp(
                f"there is no room left in {folder}",
                why=str(error),
                next_step="make room, or choose another place",
            ) from None
        raise CannotBackUp(f"{error.filename or folder} cannot be used", why=str(error.strerror)) from None


def fetched(
    place: BackupPlace, manifest: Manifest, identities: list[object], folder: Path, report: Report
) -> Path:
    """A folder with the files of a backup as they were before encryption, each of them proven.

    Where they lie in a folder, and in the clear, they are only read.

    Raises:
        BadBackup: one is not what was written, or cannot be decrypted.
    """
    reads = _bring(folder, identities if manifest.encrypted else None)
    if place.local is not None and manifest.encrypted is None:
        folder, reads = place.local, _look
    with report.counting("checking the backup", sum(file.bytes for file in manifest.files)) as count:
        for file in manifest.files:
            reads(file, _counted(checked(place, file), count))
    return folder


Reads = Callable[[StoredFile, Iterator[bytes]], None]


def _look(file: StoredFile, content: Iterator[bytes]) -> None:
    for _ in content:
        pass


def _bring(folder: Path, identities: Sequence[Any] | None) -> Reads:
    def bring(file: StoredFile, content: Iterator[bytes]) -> None:
        held = folder / file.path
        held.parent.mkdir(parents=True, exist_ok=True)
        with held.open("wb") as written:
            written.writelines(content)
        if identities is not None:
            unseal(held, held.with_name(held.name.removesuffix(ENDING)), identities)
            held.unlink()

    return bring


def _counted(content: Iterator[bytes], count: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in content:
        count(len(chunk))
        yield chunk


def files_below(folder: Path) -> list[str]:
    """Every file, by its path in the folder; a link is none of ours."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )
