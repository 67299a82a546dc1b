"""Signing in, going on, and signing out, over HTTP."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from api.people import People
from models.scopes import Key
from models.user import OPENS, OWNER, SESSION_S, TOKEN_S, Signed, Tokens
from streams.ledger.users import KnownUser
from tests.unit.api.guarded import Caller, key_of

SIGNED_IN_AT = 1_700_000_000
ANN = Key(key_id=f"{OWNER}-ann", owner=OWNER, name="ann", scopes=OPENS["viewer"])


class Ledger:
    """Stands for the people in it, and for the clock."""

    def __init__(self) -> None:
        self.now_s, self.epoch = float(SIGNED_IN_AT), 1
        self.signed_out: list[tuple[str, int, str]] = []
        self.users = self

    def acting(self, name: str) -> KnownUser:
        return KnownUser(name, "viewer", self.epoch)

    def sign_out(self, name: str, epoch: int, *, actor: str) -> None:
        self.signed_out.append((name, epoch, actor))

    async def ask(self, call: Callable[..., Any], *args: Any, **words: Any) -> Any:
        return call(*args, **words)

    async def sign_in(self, name: str, password: str) -> KnownUser:
        return self.acting(name)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def tokens(ledger: Ledger) -> Tokens:
    return Tokens(b"a secret of these tests", lambda: ledger.now_s)


@pytest.fixture
def keys(token: str) -> dict[str, Key]:
    """What may be presented: the key of a page, and a token of ann's."""
    return {"page": key_of(["users:act", "stats:read"], "page"), token: ANN}


@pytest.fixture
def caller(ledger: Ledger, tokens: Tokens, keys: dict[str, Key]) -> Caller:
    failed = SimpleNamespace(wait_s=lambda *_: None, opened=lambda *_: None)
    return Caller(
        keys,
        administration=ledger,
        people=People(lambda: [ledger.acting("ann")], tokens, lambda: 0.0),
        failed_passwords=failed,
    )


@pytest.fixture
def token(tokens: Tokens) -> str:
    return tokens.begin("ann", 1).text


def test_who_signs_in_is_told_for_how_long(caller: Caller, tokens: Tokens) -> None:
    answer = caller.ask("POST", "/v1/sessions", "page", json={"name": "ann", "password": "right"})
    told = answer.json()
    assert (answer.status_code, told["name"], told["expires_in_s"]) == (201, "ann", TOKEN_S)
    assert tokens.read(told["token"]) == Signed("ann", 1, SIGNED_IN_AT)


def test_going_on_begins_no_new_session(
    caller: Caller, ledger: Ledger, tokens: Tokens, keys: dict[str, Key]
) -> None:
    ledger.now_s += SESSION_S - 30
    renewed = tokens.sign(Signed("ann", 1, SIGNED_IN_AT)).text
    keys[renewed] = ANN
    told = caller.ask("GET", "/v1/session", "page", token=renewed).json()
    assert told["expires_in_s"] == 30
    assert tokens.read(told["token"]) == Signed("ann", 1, SIGNED_IN_AT)


def test_what_was_ended_does_not_go_on(caller: Caller, ledger: Ledger, token: str) -> None:
    ledger.epoch = 2
    refused = caller.ask("GET", "/v1/session", "page", token=token)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


def test_signing_out_is_of_the_person_and_the_epoch_of_the_token(
    caller: Caller, ledger: Ledger, token: str
) -> None:
    answer = caller.ask("POST", "/v1/sessions:end", "page", token=token)
    assert (answer.status_code, answer.json()) == (200, {})
    assert ledger.signed_out == [("ann", 1, "user/ann")]


def test_a_key_that_acts_for_nobody_signs_nobody_out(caller: Caller, ledger: Ledger) -> None:
    assert caller.ask("POST", "/v1/sessions:end", "page").status_code == 404
    assert ledger.signed_out == []
