"""The folder of models that have proven themselves on this machine."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tenacity

from models.errors import ModelRejected, RegistryUnavailable
from models.manifest import read_manifest

TURN_EVERY_S = 0.1
INCOMING, LEFT_AFTER_S = ".incoming-", 600.0


class ModelFolder:
    """Verified models by name and version, and which version each alias had when it was last looked up."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str, version: str) -> Path:
        return self.root / name / version

    def has(self, name: str, version: str, hashes: str = "") -> bool:
        """Whether a version is here; of these registered hashes, where there are any."""
        try:
            found = read_manifest(self.folder(name, version))
        except ModelRejected:
            return False
        return not hashes or found.sha256 in hashes

    def admit(self, prepared: Path, name: str, version: str) -> None:
        """Move a verified folder into place, as a whole; another model of the same number makes room."""
        target = self.folder(name, version)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not self.has(name, version, read_manifest(prepared).sha256):
            target.rename(self.workplace() / "replaced")
        if not target.exists():
            prepared.rename(target)

    @contextmanager
    def turn(self, name: str, timeout_s: float) -> Iterator[None]:
        """One process of this machine at a time: others find here what the first has fetched.

        Raises:
            RegistryUnavailable: another one takes longer than that.
        """
        file = self.root / name / ".turn"
        file.parent.mkdir(parents=True, exist_ok=True)
        waiting = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(BlockingIOError),
            wait=tenacity.wait_fixed(TURN_EVERY_S),
            stop=tenacity.stop_after_delay(timeout_s),
            reraise=True,
        )
        with file.open("w") as held:
            try:
                waiting(fcntl.flock, held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RegistryUnavailable(f"another process is still fetching {name}") from error
            yield

    def workplace(self) -> Path:
        """An empty folder beside the others, to prepare a model in. What others left long ago is removed."""
        self.root.mkdir(parents=True, exist_ok=True)
        for left in self.root.glob(f"{INCOMING}*"):
            if time.time() - left.stat().st_mtime > LEFT_AFTER_S:
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=INCOMING, dir=self.root))

    def remember(self, name: str, alias: str, version: str) -> None:
        file = self._alias_file(name, alias)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}.part")
        part.write_text(version)
        part.replace(file)

    def remembered(self, name: str, alias: str) -> str | None:
        file = self._alias_file(name, alias)
        return file.read_text().strip() if file.is_file() else None

    def _alias_file(self, name: str, alias: str) -> Path:
        return self.root / name / f"alias-{alias}"
