"""Kafka's jars: what the lock names, fetched once per user, never used unverified."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from deploy.stack.errors import JarsMissing
from deploy.stack.report import Report
from deploy.stack.wheels import folder_of
from models.errors import BadFile
from streams.settings import Settings

LOCK = Path(__file__).with_name("kafka-jars.lock")
AT_ONCE = 6
TIMEOUT_S = 60


class Jar(NamedTuple):
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


Resolve = Callable[[Jar, Path], Path]
"""Brings one jar into a folder, unverified, and says where it put it."""


def read_lock(text: str) -> tuple[Jar, ...]:
    """The jars of a lock file: one a line, group artifact version sha256.

    Raises:
        BadFile: a line is something else.
    """
    jars = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != 4 or len(fields[3]) != 64:
            raise BadFile(
                f"line {number} of {LOCK.name} is not 'group artifact version sha256'",
                next_step=f"git checkout -- deploy/stack/{LOCK.name}",
            )
        jars.append(Jar(*fields))
    return tuple(jars)


def locked_jars() -> tuple[Jar, ...]:
    return read_lock(LOCK.read_text())


def cache_folder(settings: Settings) -> Path:
    """Shared by all checkouts of a user: a jar's name bears its version, and its content is verified."""
    folder_of("platformdirs", "what tells the user's cache folder")
    from platformdirs import user_cache_path

    return (settings.jars_cache or user_cache_path("fraudml")).expanduser() / "jars"


def missing(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """Those that are not there, or not what the lock says. Hashing all 44 MB takes about 0.1 s."""
    return [jar for jar in jars if not _is_right(folder / jar.file, jar)]


def fetch(jars: Iterable[Jar], folder: Path, *, resolve: Resolve, report: Report) -> None:
    """Have all the jars in the folder, fetching what is missing.

    Raises:
        JarsMissing: one could not be fetched, or is not what the lock names. It is not left behind.
    """
    wanted = missing(jars, folder)
    if not wanted:
        return
    with _beside(folder) as landing, report.progress("downloading Kafka's jars", len(wanted)) as advance:
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            for done in as_completed(
                [pool.submit(_fetch_one, jar, landing, folder, resolve) for jar in wanted]
            ):
                done.result()
                advance()
        finally:
            pool.shutdown(cancel_futures=True)


def by_jgo(repository: str) -> Resolve:
    """Resolve from a Maven repository; an empty address is jgo's default one."""
    folder_of("jgo", "what downloads Kafka's jars")
    remote = {"configured": repository.rstrip("/")} if repository else None

    def resolve(jar: Jar, folder: Path) -> Path:
        from jgo.maven import MavenContext  # slow to import, and rarely needed

        maven = MavenContext(repo_cache=folder, remote_repos=remote, timeout=TIMEOUT_S)
        return Path(maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())

    return resolve


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder on the same disk, so that what is verified is put in place by renaming."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        landing = tempfile.TemporaryDirectory(dir=folder, prefix=".landing-")
    except OSError as error:
        raise JarsMissing(
            f"{folder} cannot be written",
            why=str(error),
            next_step="set FRAUDML_JARS_CACHE to a folder of your own",
        ) from None
    with landing as name:
        yield Path(name)


def _fetch_one(jar: Jar, landing: Path, folder: Path, resolve: Resolve) -> None:
    try:
        path = resolve(jar, landing)
    except (
        OSError,
        RuntimeError,
    ) as error:  # the network's errors, and jgo's word for "no repository has it"
        raise JarsMissing(
            f"{jar.file} could not be downloaded",
            why=_in_short(error),
            next_step="check the network, or set FRAUDML_JARS_REPOSITORY to a Maven mirror; then fraudml up",
        ) from None
    if not _is_right(path, jar):
        raise JarsMissing(
            f"{jar.file} is not the file that {LOCK.name} names",
            why="its sha256 differs",
            next_step="check FRAUDML_JARS_REPOSITORY and what stands between here and it; then fraudml up",
        )
    path.chmod(0o644)
    os.replace(path, folder / jar.file)


def _is_right(path: Path, jar: Jar) -> bool:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def _in_short(error: Exception) -> str:
    """Without the address: libraries print it whole, and a mirror's may hold a password."""
    return "no repository has it" if isinstance(error, RuntimeError) else type(error).__name__
