"""Postgres' programs are fit for the server, and are told no password where others can read it."""

from pathlib import Path

import pytest

from deploy.backup.errors import BadBackup, CannotBackUp
from deploy.backup.pg_tools import Tools, environment, tools_for
from models.errors import BadSetting, FraudError, LedgerUnavailable

URL = "postgresql://fraudml:s3cret@db.example:5433/fraud_db?sslmode=verify-full"


def programs(folder: Path, version: str, says: str = "", code: int = 0) -> Path:
    """pg_dump and pg_restore that say what they are told to."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        script = f"""#!/bin/sh
        [ "$1" = --version ] && echo '{name} (PostgreSQL) {version}' && exit 0
        echo "$@" > {folder}/arguments; echo "$PGPASSWORD" > {folder}/password
        echo '{says}' >&2; exit {code}
        """
        (folder / name).write_text(script)
        (folder / name).chmod(0o700)
    return folder


def test_an_address_becomes_what_the_programs_read() -> None:
    found = environment(URL)
    assert {
        found[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE")
    } == {
        "db.example",
        "5433",
        "fraudml",
        "s3cret",
        "fraud_db",
        "verify-full",
    }


def test_what_is_no_address_is_not_quoted() -> None:
    with pytest.raises(BadSetting) as refused:
        environment("postgresql://u:s3cret@db/x?nonsense=1")
    assert "s3cret" not in str(refused.value)


def test_the_password_is_not_on_the_command_line(tmp_path: Path) -> None:
    folder = programs(tmp_path / "bin", "18.1")
    Tools(folder, 18).run("pg_dump", URL, ["--format=directory"])
    assert "s3cret" not in (folder / "arguments").read_text()
    assert (folder / "password").read_text() == "s3cret\n"


def test_the_first_programs_that_understand_the_server_are_taken(tmp_path: Path) -> None:
    old, new = programs(tmp_path / "old", "15.9"), programs(tmp_path / "new", "18.1")
    assert tools_for(15, [old, new]) == (old, 15)
    assert tools_for(17, [old, new]) == (new, 18)


def test_programs_older_than_the_server_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match=r"of PostgreSQL 19 or newer are needed. those here are of 18"):
        tools_for(19, [programs(tmp_path / "bin", "18.1")])


def test_where_there_are_no_programs_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match=r"there are none here. Next: install"):
        tools_for(18, [tmp_path])


@pytest.mark.parametrize(
    ("program", "says", "kind", "words"),
    [
        ("pg_dump", "pg_dump: error: could not write: No space left on device", CannotBackUp, "no room left"),
        ("pg_dump", "pg_dump: error: permission denied for table audit", CannotBackUp, "may not read"),
        ("pg_dump", "pg_dump: error: connection to server failed", LedgerUnavailable, "pg_dump failed"),
        ("pg_restore", "pg_restore: error: could not connect", LedgerUnavailable, "pg_restore failed"),
        ("pg_restore", "pg_restore: error: unexpected end of file", BadBackup, "cannot be put back"),
        ("pg_restore", "", BadBackup, "it says nothing"),
    ],
)
def test_what_went_wrong_is_named(
    tmp_path: Path, program: str, says: str, kind: type[FraudError], words: str
) -> None:
    tools = Tools(programs(tmp_path / "bin", "18.1", says, 1), 18)
    with pytest.raises(kind, match=words):
        tools.run(program, URL, [])
