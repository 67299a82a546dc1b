"""Scopes: each is explained, and opens what it says alone."""

import re
from pathlib import Path
from typing import get_args

import pytest

from models.errors import BadSetting, Forbidden
from models.scopes import DEFAULT_SCOPES, SCOPES, Key, Scope, known_scopes


def test_every_scope_is_explained() -> None:
    assert tuple(SCOPES) == get_args(Scope)
    assert all(words and words[0].islower() for words in SCOPES.values())


def test_every_scope_is_in_the_table_of_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    assert re.findall(r"^\| `(\w+:\w+)` \|", page, re.MULTILINE) == list(SCOPES)


def test_scopes_are_known_each_once_in_their_order() -> None:
    assert known_scopes(["stats:read", "score:write", "stats:read"]) == ("score:write", "stats:read")
    assert known_scopes(DEFAULT_SCOPES) == DEFAULT_SCOPES


@pytest.mark.parametrize(
    ("names", "why"), [(["score:read"], "no scope score:read"), ([], "without scopes may nothing")]
)
def test_what_is_no_scope_is_refused_with_those_there_are(names: list[str], why: str) -> None:
    with pytest.raises(BadSetting, match=f"{why}.*score:write, decisions:read"):
        known_scopes(names)


def test_a_key_opens_what_its_scopes_say_and_nothing_else() -> None:
    key = Key(key_id="k", owner="shop", name="till", scopes=("score:write",))
    key.require("score:write")
    for scope in SCOPES.keys() - {"score:write"}:
        with pytest.raises(Forbidden, match=f"lacks the scope {scope}"):
            key.require(scope)
