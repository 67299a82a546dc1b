"""What a backup says of itself, in its `manifest.json`: by it everything else in it is checked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

import msgspec

from deploy.backup.errors import BadBackup

MANIFEST = "manifest.json"
FORMAT = "fraudml-backup/1"
LEDGER, REGISTRY, ARTIFACTS, MODELS = "ledger", "mlflow", "artifacts", "models"


class StoredFile(msgspec.Struct, frozen=True):
    """A file as it lies there: encrypted, where the backup is."""

    path: str
    bytes: int
    sha256: str


class Position(msgspec.Struct, frozen=True):
    """How far one partition was settled. end: where the log ended then; None where Kafka could not be asked,
    or for an earlier incarnation of the topic."""

    topic: str
    topic_id: str
    partition: int
    next_offset: int
    end: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """taken_at: the moment whose state the ledger's dump has, by Postgres' clock. schema: the ledger's.
    server, dumped_by: major versions of Postgres and of pg_dump. rows: of the ledger, by table. roles: those
    that were granted something in it. an_hour: decisions in the hour before. left_out: what is not in it, in
    words. digest: of everything above.
    """

    format: str = FORMAT
    name: str
    taken_at: datetime
    took_s: float
    version: str
    schema: str
    ledger_id: str
    server: int
    dumped_by: int
    currency: str
    topics: Mapping[str, str]
    positions: Sequence[Position]
    rows: Mapping[str, int]
    roles: Sequence[str]
    an_hour: int
    included: Sequence[str]
    left_out: Sequence[str]
    encrypted: Literal["age"] | None
    files: Sequence[StoredFile]
    digest: str = ""


def sealed(manifest: Manifest) -> bytes:
    """As the file that it becomes, with its digest."""
    whole = msgspec.structs.replace(manifest, digest=_digest(manifest))
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def read(content: bytes, where: str) -> Manifest:
    """
    Raises:
        BadBackup: it is no manifest of ours, or not as it was written.
    """
    try:
        # The format first, by itself: one of later may look otherwise.
        found = msgspec.json.decode(content, type=_Format)
        if found.format != FORMAT:
            raise _foreign(where, f"its format is {found.format}, and this version reads {FORMAT}")
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise _foreign(where, str(error)) from None
    if manifest.digest != _digest(manifest):
        raise BadBackup(
            f"the manifest of {where} is not as it was written", next_step="take an earlier backup"
        )
    return manifest


def stored(folder: Path, name: str) -> StoredFile:
    """A file of a folder, with its size and hash."""
    path = folder / name
    with path.open("rb") as file:
        return StoredFile(name, path.stat().st_size, file_digest(file, "sha256").hexdigest())


class _Format(msgspec.Struct):
    format: str


def _digest(manifest: Manifest) -> str:
    return sha256(msgspec.json.encode(msgspec.structs.replace(manifest, digest=""))).hexdigest()


def _foreign(where: str, why: str) -> BadBackup:
    return BadBackup(
        f"{where} is no backup of this system", why=why, next_step="name one that fraudml backup made"
    )
