"""Keys and the audit table as an operator has them: `fraudml keys` and `fraudml audit` on real Postgres."""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from deploy.cli import main
from models.api_key import parse
from models.errors import Unauthenticated
from models.scopes import SCOPES

pytestmark = pytest.mark.stack

Run = Callable[..., Result]
TILL = ("--owner", "shop", "--name", "till", "--who", "ann")


@pytest.fixture
def run(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", ledger_url)
    monkeypatch.delenv("FRAUDML_KEY_PEPPER", raising=False)
    monkeypatch.delenv("API_KEY", raising=False)
    runner = CliRunner()
    return lambda *words: runner.invoke(main.app, list(words))


def ok(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def created(run: Run, *more: str) -> str:
    return ok(run("keys", "create", *TILL, *more)).stdout.strip()


def tamper(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        connection.execute(statement)
        connection.execute("ALTER TABLE audit ENABLE TRIGGER USER")


def test_a_key_is_alone_on_stdout_and_told_once(run: Run) -> None:
    result = ok(run("keys", "create", *TILL))
    key = parse(result.stdout.removesuffix("\n"))
    assert result.stderr == (
        f"key {key.key_id} of shop (till): score:write, decisions:read\n"
        "this is the only time that it is shown\n"
    )
    assert key.secret not in ok(run("keys", "list", "--json")).output + ok(run("audit", "export")).output


def test_a_key_is_what_was_asked_for(run: Run) -> None:
    words = ("--scope", "stats:read", "--scope", "keys:admin", "--limit", "7", "--expires-days", "90")
    made = json.loads(ok(run("keys", "create", *TILL, *words, "--env", "test", "--json")).stdout)
    assert parse(made["key"]).env == "test"
    (listed,) = json.loads(ok(run("keys", "list", "--json")).stdout)
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["scopes"], listed["limit_per_minute"]) == (["keys:admin", "stats:read"], 7)
    assert (listed["state"], listed["lifetime"]) == ("live", "P90D")


def test_keys_are_listed_without_what_they_open_with(run: Run) -> None:
    key = created(run)
    heading, row = ok(run("keys", "list")).stdout.splitlines()
    assert heading.split()[:2] == ["KEY", "ID"]
    assert row.split()[:5] == [parse(key).key_id, "shop", "till", "live", f"...{key[-4:]}"]


def test_a_rotated_key_is_told_with_the_end_of_the_old_one(run: Run) -> None:
    old = parse(created(run)).key_id
    result = ok(run("keys", "rotate", old, "--overlap-hours", "1"))
    new = parse(result.stdout.strip()).key_id
    assert f"key {new} of shop (till)" in result.stderr
    assert f"key {old} lives until " in result.stderr
    third = run("keys", "rotate", new)
    assert (third.exit_code, third.stdout) == (1, "")
    assert f"the other one is {old}" in third.stderr


def test_a_revoked_key_stays_in_the_list(run: Run) -> None:
    key_id = parse(created(run)).key_id
    result = ok(run("keys", "revoke", key_id))
    assert (result.stdout, result.stderr) == ("", f"key {key_id} of shop (till) is revoked\n")
    (listed,) = json.loads(ok(run("keys", "list", "--json")).stdout)
    assert listed["state"] == "revoked"


WRONG = [
    (("create", *TILL, "--scope", "score:read"), "there is no scope score:read"),
    (("create", "--owner", "shop\t", "--name", "x"), "this owner cannot be shown"),
    (("create", *TILL, "--env", "Live!"), "Live! cannot stand in a key"),
    (("revoke", "nobody"), "there is no key nobody. Next: fraudml keys list"),
    (("rotate", "nobody"), "there is no key nobody"),
]


@pytest.mark.parametrize(("words", "why"), WRONG, ids=[" ".join(words[:1]) for words, _ in WRONG])
def test_what_cannot_be_is_one_line_and_nothing_on_stdout(run: Run, words: tuple[str, ...], why: str) -> None:
    result = run("keys", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert why in result.stderr
    assert json.loads(ok(run("keys", "list", "--json")).stdout) == []


def test_the_pepper_is_made_with_the_first_key_and_shown_nowhere(run: Run, tmp_path: Path) -> None:
    created(run)
    file = tmp_path / "secrets" / "key-pepper"
    assert file.stat().st_mode & 0o777 == 0o600
    for words in (("config", "--json"), ("keys", "list", "--json"), ("audit", "export")):
        assert file.read_text() not in ok(run(*words)).output


def test_the_help_names_every_scope(run: Run) -> None:
    told = ok(run("keys", "create", "--help")).stdout
    assert [scope for scope in SCOPES if scope not in told] == []


@pytest.mark.parametrize("noun", ["keys", "audit"])
def test_every_command_has_an_example(run: Run, noun: str) -> None:
    group = {"keys": ("create", "list", "rotate", "revoke"), "audit": ("verify", "head", "export")}
    for command in group[noun]:
        assert f"fraudml {noun} {command}" in ok(run(noun, command, "--help")).stdout


def test_what_was_done_with_keys_is_proven_and_has_a_head(run: Run) -> None:
    created(run)
    head = ok(run("audit", "head"))
    assert head.stderr == "1 rows; the last one is row 1\n"
    result = ok(run("audit", "verify", "--head", head.stdout.strip()))
    assert result.stderr == f"1 rows, each as it was written; the head is {head.stdout}"
    assert json.loads(ok(run("audit", "head", "--json")).stdout) == {
        "rows": 1,
        "audit_id": 1,
        "hash": head.stdout.strip(),
    }


def test_an_edited_row_exits_with_4_and_is_named(run: Run, ledger_url: str) -> None:
    created(run)
    tamper(ledger_url, "UPDATE audit SET actor = 'eve'")
    result = run("audit", "verify")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == "row 1: it is not what was written\n"
    as_json = run("audit", "verify", "--json")
    assert as_json.exit_code == 4
    assert json.loads(as_json.stdout)["broken"] == {"audit_id": 1, "why": "it is not what was written"}


def test_an_end_that_is_gone_shows_against_the_head_and_the_export(
    run: Run, ledger_url: str, tmp_path: Path
) -> None:
    key_id, file = parse(created(run)).key_id, tmp_path / "audit.jsonl"
    ok(run("keys", "revoke", key_id))
    head = ok(run("audit", "head")).stdout.strip()
    assert ok(run("audit", "export", "--out", str(file))).stderr == f"2 rows; the head is {head}\n"
    ok(run("audit", "verify", "--export", str(file), "--head", head))
    tamper(ledger_url, "DELETE FROM audit WHERE audit_id = 2")
    ok(run("audit", "verify"))
    by_head, by_export = run("audit", "verify", "--head", head), run("audit", "verify", "--export", str(file))
    assert (by_head.exit_code, by_export.exit_code) == (4, 4)
    assert by_head.stderr.startswith(f"the end: no row has the hash {head}")
    assert by_export.stderr == f"row 2: {file} has it, and the table does not\n"
    ok(run("keys", "create", "--owner", "eve", "--name", "x"))
    covered = run("audit", "verify", "--export", str(file))
    assert covered.stderr == f"row 2: it is another one than in {file}\n"


def test_an_export_holds_every_row_and_is_not_written_over(run: Run, tmp_path: Path) -> None:
    created(run)
    file = tmp_path / "audit.jsonl"
    ok(run("audit", "export", "--out", str(file)))
    assert ok(run("audit", "export")).stdout == file.read_text()
    (line,) = map(json.loads, file.read_text().splitlines())
    assert (line["row"]["actor"], line["row"]["action"]) == ("ann", "create")
    again = run("audit", "export", "--out", str(file))
    assert again.exit_code == 1
    assert "is there already" in again.stderr
    assert len(file.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [("{}\n", "is no export of the audit table"), (None, "cannot be read"), ("changed", "line 1 of")],
    ids=["another file", "no file", "a changed one"],
)
def test_an_export_that_proves_nothing_is_said_to(
    run: Run, tmp_path: Path, text: str | None, why: str
) -> None:
    created(run)
    file = tmp_path / "audit.jsonl"
    if text == "changed":
        file.write_text(ok(run("audit", "export")).stdout.replace('"ann"', '"eve"'))
    elif text is not None:
        file.write_text(text)
    result = run("audit", "verify", "--export", str(file))
    assert result.exit_code == 1
    assert why in result.stderr


@pytest.mark.parametrize("head", ["abc", "xyz", "00" * 31])
def test_what_is_no_head_is_refused(run: Run, head: str) -> None:
    result = run("audit", "verify", "--head", head)
    assert result.exit_code == 1
    assert "use what fraudml audit head has printed" in result.stderr


def test_a_lost_key_cannot_be_parsed_back_from_the_ledger(run: Run, ledger_url: str) -> None:
    created(run)
    with psycopg.connect(ledger_url) as connection:
        row = connection.execute("SELECT string_agg(k::text, ' ') FROM api_keys k").fetchone()
    assert row is not None
    assert "fsk_" not in row[0]
    with pytest.raises(Unauthenticated):
        parse(row[0])
