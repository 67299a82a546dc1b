"""Backups as they lie in a folder, and manifests for them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.backup.manifest import MANIFEST, Manifest, sealed, stored
from deploy.backup.staging import files_below

TAKEN_AT = datetime(2026, 1, 31, 2, tzinfo=UTC)


def manifest(**changed: Any) -> Manifest:
    whole: dict[str, Any] = {
        "name": "fraudml-20260131T020000Z",
        "taken_at": TAKEN_AT,
        "took_s": 1.5,
        "version": "0.1.0",
        "schema": "0012",
        "ledger_id": "ledger-1",
        "server": 18,
        "dumped_by": 18,
        "currency": "EUR",
        "topics": {},
        "positions": [],
        "rows": {"decisions": 3},
        "roles": [],
        "an_hour": 3,
        "included": ["ledger"],
        "left_out": [],
        "encrypted": None,
        "files": [],
    }
    return Manifest(**{**whole, **changed})


def backup_in(folder: Path, **changed: Any) -> Path:
    """A backup of two files."""
    (folder / "ledger").mkdir(parents=True)
    (folder / "ledger/toc.dat").write_bytes(b"what there is")
    # A model has a manifest of its own.
    (folder / "models/M/1").mkdir(parents=True)
    (folder / "models/M/1" / MANIFEST).write_text("{}")
    (folder / "ledger/1.dat.gz").write_bytes(b"rows" * 1000)
    files = [stored(folder, name) for name in files_below(folder)]
    (folder / MANIFEST).write_bytes(sealed(manifest(files=files, **changed)))
    return folder
