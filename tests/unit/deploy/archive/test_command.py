"""`fraudml archive` on bad input: one line that says what, why and what next."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main.app, ["archive", *words])


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")


def test_without_the_setting_nothing_is_asked_and_nothing_fails() -> None:
    done = run("--to", "somewhere")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "FRAUDML_KEEP_DECISIONS_DAYS is not set: decisions are kept in the ledger for ever",
        "no month leaves",
    ]


def test_without_a_place_it_says_how_to_name_one() -> None:
    done = run()
    assert (done.exit_code, done.stderr) == (
        1,
        "error: there is no place to archive to. Next: fraudml archive --to FOLDER\n",
    )


def test_a_ledger_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDML_KEEP_DECISIONS_DAYS", "400")
    done = run("--to", "somewhere")
    assert done.exit_code == 3
    assert done.stderr.startswith("error: Postgres failed.")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("month", ["2026", "2026-13", "January", "2026-01-05"])
def test_what_is_no_month_is_refused(month: str) -> None:
    done = run("query", "--month", month)
    assert done.exit_code == 2
    assert "is no month; write it as 2026-01" in done.stderr
