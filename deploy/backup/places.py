"""Where backups lie: a folder, or a bucket of any S3."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from deploy.backup.errors import BadBackup, CannotBackUp
from deploy.backup.manifest import MANIFEST, Manifest, StoredFile, read
from models.errors import BadSetting, Unavailable

CHUNK_BYTES = 8 << 20
EARLIER = "take an earlier backup"
# The endpoint may be of this machine, or of a network that needs no TLS.
PLAIN = {"allow_http": True}
RETRIES = {"max_retries": 4}


class BackupPlace(Protocol):
    """One backup. where: in words. local: its folder, where it is one."""

    @property
    def where(self) -> str: ...

    @property
    def local(self) -> Path | None: ...

    def names(self) -> set[str]:
        """Everything that lies there."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """
        Raises:
            BadBackup: there is no such file.
        """

    def put(self, path: Path, name: str) -> None: ...

    def remove(self, name: str) -> None: ...


class Folder:
    def __init__(self, path: Path) -> None:
        self.where, self.local = str(path), path

    def names(self) -> set[str]:
        assert self.local is not None
        found = (path for path in self.local.rglob("*") if path.is_symlink() or not path.is_dir())
        return {path.relative_to(self.local).as_posix() for path in found}

    def chunks(self, name: str) -> Iterator[bytes]:
        assert self.local is not None
        try:
            with (self.local / name).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise _missing(name, self.where) from None

    def put(self, path: Path, name: str) -> None:
        assert self.local is not None
        (self.local / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.local / name)

    def remove(self, name: str) -> None:
        assert self.local is not None
        (self.local / name).unlink(missing_ok=True)


class Bucket:
    """Credentials, region and endpoint come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_REGION, AWS_ENDPOINT_URL, or the role of the machine."""

    local = None

    def __init__(self, address: str) -> None:
        self.where = address
        bucket, prefix = urlsplit(address).netloc, urlsplit(address).path.strip("/")
        if not bucket:
            raise BadSetting(f"{address} names no bucket", next_step="write it as s3://bucket/prefix")
        try:
            from obstore.store import S3Store
        except ModuleNotFoundError:
            raise CannotBackUp(
                "S3 is not installed", why="there is no package obstore", next_step="install the extra backup"
            ) from None
        options: Any = {"client_options": PLAIN, "retry_config": RETRIES}
        with _their_errors(self.where):
            self._store: Any = S3Store(bucket, prefix=prefix or None, **options)

    def names(self) -> set[str]:
        with _their_errors(self.where):
            return {str(each["path"]) for page in self._store.list() for each in page}

    def chunks(self, name: str) -> Iterator[bytes]:
        with _their_errors(self.where):
            for chunk in self._store.get(name).stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    def put(self, path: Path, name: str) -> None:
        with _their_errors(self.where), path.open("rb") as file:
            self._store.put(name, file)

    def remove(self, name: str) -> None:
        with _their_errors(self.where):
            self._store.delete(name)


def place_of(address: str) -> BackupPlace:
    """
    Raises:
        BadSetting: it cannot be an address.
        CannotBackUp: what speaks to S3 is not installed.
    """
    if address.startswith("s3://"):
        return Bucket(address)
    if "://" in address:
        raise BadSetting(f"{address} is neither a folder nor s3://bucket/prefix")
    return Folder(Path(address).expanduser().absolute())


def manifest_of(place: BackupPlace) -> Manifest:
    """
    Raises:
        BadBackup: there is none, or it is not as it was written.
    """
    return read(b"".join(place.chunks(MANIFEST)), place.where)


def checked(place: BackupPlace, file: StoredFile) -> Iterator[bytes]:
    """A file's content; at its end it has proven to be what was written.

    Raises:
        BadBackup: it is not.
    """
    digest, size = sha256(), 0
    for chunk in place.chunks(file.path):
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    if (size, digest.hexdigest()) != (file.bytes, file.sha256):
        why = f"it has {size:,} of {file.bytes:,} bytes" if size != file.bytes else "its SHA-256 is another"
        raise BadBackup(
            f"{file.path} of {place.where} is damaged", why=why, next_step="take an earlier backup"
        )


def refuse_strangers(place: BackupPlace, manifest: Manifest) -> None:
    """
    Raises:
        BadBackup: something is missing, or lies there that does not belong to it.
    """
    wanted = {file.path for file in manifest.files} | {MANIFEST}
    found = place.names()
    if missing := sorted(wanted - found):
        raise _missing(missing[0], place.where)
    if strangers := sorted(found - wanted):
        raise BadBackup(
            f"{strangers[0]} does not belong to {place.where}", next_step="remove it, if you put it there"
        )


def on_disk(folder: Path) -> None:
    """Have everything in a folder written for good, so that a rename means what it says."""
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _missing(name: str, where: str) -> BadBackup:
    if name == MANIFEST:
        why = "it has no manifest.json: it is none, or it was never finished"
        return BadBackup(f"{where} is no backup", why=why, next_step="name one that fraudml backup made")
    return BadBackup(f"{name} is missing in {where}", next_step="take an earlier backup")


@contextmanager
def _their_errors(where: str) -> Iterator[None]:
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except FileNotFoundError as error:
        name = MANIFEST if MANIFEST in str(error) else "a file"
        raise _missing(name, where) from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise CannotBackUp(
            f"{where} may not be read or written",
            why=_short(error),
            next_step="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the rights of the role",
        ) from None
    except BaseError as error:
        raise Unavailable(
            f"{where} does not answer", why=_short(error), next_step="AWS_ENDPOINT_URL"
        ) from None


def _short(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
