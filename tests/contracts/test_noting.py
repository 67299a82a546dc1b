"""What operators do that takes a while: two rows in the audit table, whatever becomes of it."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.jobs.noting import noted
from deploy.stack.temporary import own_settings
from models.errors import LedgerUnavailable, ViewMoved
from streams.ledger.rules import PostgresRules
from streams.settings import Settings
from tests.contracts.ledger_worlds import TIMEOUT_S

pytestmark = pytest.mark.stack


@pytest.fixture
def settings(ledger_url: str, tmp_path: Path) -> Settings:
    return own_settings(tmp_path, database_url=ledger_url)


def rows(settings: Settings) -> list[tuple[Any, ...]]:
    with closing(PostgresRules(settings.database_url, TIMEOUT_S, "test")) as rules:
        names = ("actor", "action", "outcome", "after", "why", "detail")
        return [tuple(note[name] for name in names) for note in rules.notes("view")]


def test_what_is_done_is_noted_when_it_begins_and_when_it_ends(settings: Settings) -> None:
    with noted(settings, "rebuild", "view", {"groups": 1}, who="ann", why="doubt") as ending:
        assert rows(settings) == [("ann", "rebuild", "begun", "", "doubt", {"groups": 1})]
        ending.update(after="7 records", seconds=2)
    assert rows(settings)[1:] == [
        ("ann", "rebuild", "done", "7 records", "doubt", {"groups": 1, "seconds": 2})
    ]


def rebuild_and(settings: Settings, error: BaseException) -> None:
    with noted(settings, "rebuild", "view", {}, who="ann", why=""):
        raise error


@pytest.mark.parametrize(
    ("error", "told"), [(ViewMoved("moved"), "view_moved"), (KeyboardInterrupt(), "KeyboardInterrupt")]
)
def test_what_fails_or_is_cut_short_is_noted_as_that(
    settings: Settings, error: BaseException, told: str
) -> None:
    with pytest.raises(type(error)):
        rebuild_and(settings, error)
    assert rows(settings)[1:] == [("ann", "rebuild", "failed", "", "", {"error": told})]


def test_what_cannot_be_noted_is_not_begun(tmp_path: Path) -> None:
    away = own_settings(tmp_path, database_url="postgresql://127.0.0.1:1/none", ledger_timeout_s=1)
    with pytest.raises(LedgerUnavailable), noted(away, "rebuild", "view", {}, who="ann", why=""):
        pytest.fail("begun without a note")


def test_whoever_does_it_is_the_account_if_nobody_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "operator")
    with noted(settings, "rebuild", "view", {}, who=None, why=""):
        pass
    assert [actor for actor, *_ in rows(settings)] == ["operator", "operator"]
