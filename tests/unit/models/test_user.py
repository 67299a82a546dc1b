"""People who sign in: passwords as they are kept, and tokens that say who acts."""

import hashlib
import time
from random import Random

import pytest
from itsdangerous import URLSafeTimedSerializer

from models.errors import BadSetting, Unauthenticated
from models.scopes import SCOPES
from models.user import (
    OPENS,
    PURPOSE,
    ROLES,
    SESSION_S,
    TOKEN_S,
    ClockedSigner,
    Password,
    Signed,
    Tokens,
    is_right,
    kept,
    known_role,
)

random = Random(2)
SECRET = b"a secret of these tests"
ANN = Signed("ann", 3, signed_in_at=1_700_000_000)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET, lambda: ANN.signed_in_at)


def test_a_password_opens_and_nothing_else_does() -> None:
    found = kept("a sentence will do", random.randbytes)
    assert is_right("a sentence will do", found)
    assert not is_right("a sentence will not do", found)
    assert b"sentence" not in found.salt + found.digest


def test_nobody_has_a_password_that_opens() -> None:
    assert not is_right("a sentence will do", None)


def test_the_same_password_is_kept_differently_each_time() -> None:
    one, other = (kept("a sentence will do", random.randbytes) for _ in range(2))
    assert one.salt != other.salt
    assert one.digest != other.digest


@pytest.mark.parametrize("password", ["", "too short", "x" * 257])
def test_a_password_that_is_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(BadSetting, match="cannot be taken") as refused:
        kept(password, random.randbytes)
    assert not password or password not in str(refused.value)


def test_a_token_says_who_it_is(tokens: Tokens) -> None:
    assert tokens.read(tokens.sign(ANN).text) == ANN
    assert tokens.begin("ann", 3) == tokens.sign(ANN)


@pytest.mark.parametrize("changed", ["", "x", ".", "a.b.c"])
def test_what_is_no_token_of_ours_opens_nothing(tokens: Tokens, changed: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.read(changed)
    with pytest.raises(Unauthenticated):
        tokens.read(tokens.sign(ANN).text + changed + "x")
    with pytest.raises(Unauthenticated):
        Tokens(b"another secret", time.time).read(tokens.sign(ANN).text)


def test_a_token_ends() -> None:
    now_s = float(ANN.signed_in_at)
    tokens = Tokens(SECRET, lambda: now_s)
    token = tokens.sign(ANN).text
    now_s += TOKEN_S
    assert tokens.read(token) == ANN
    now_s += 1
    with pytest.raises(Unauthenticated, match="does not hold any more"):
        tokens.read(token)


def test_a_session_ends_however_often_its_token_is_renewed() -> None:
    now_s = float(ANN.signed_in_at)
    tokens = Tokens(SECRET, lambda: now_s)
    assert tokens.sign(ANN).expires_in_s == TOKEN_S
    now_s += SESSION_S - 60
    last = tokens.sign(tokens.read(tokens.sign(ANN).text))
    assert (tokens.read(last.text), last.expires_in_s) == (ANN, 60)
    now_s += 59.9
    assert tokens.read(last.text) == ANN
    now_s += 0.1
    for token in (last, tokens.sign(ANN)):
        with pytest.raises(Unauthenticated, match="does not hold any more"):
            tokens.read(token.text)
    assert tokens.read(tokens.begin("ann", 3).text).signed_in_at == now_s


def test_a_token_that_does_not_say_when_its_owner_signed_in_opens_nothing(tokens: Tokens) -> None:
    words = {"digest_method": hashlib.sha256, "now": lambda: ANN.signed_in_at}
    ours = URLSafeTimedSerializer(SECRET, salt=PURPOSE, signer=ClockedSigner, signer_kwargs=words)
    assert tokens.read(str(ours.dumps([*ANN]))) == ANN
    with pytest.raises(Unauthenticated):
        tokens.read(str(ours.dumps(["ann", 3])))


def test_a_role_opens_what_there_is_and_more_than_the_one_before() -> None:
    opened = [set(OPENS[role]) for role in ROLES]
    assert opened[0] < opened[1] < opened[2] <= set(SCOPES)
    assert not any("users:act" in scopes for scopes in opened)


def test_there_are_three_roles() -> None:
    assert [known_role(role) for role in ROLES] == ["viewer", "analyst", "admin"]
    with pytest.raises(BadSetting, match="there is no role 'root'"):
        known_role("root")


def test_what_is_kept_is_never_compared_with_a_whole_book() -> None:
    found = kept("a sentence will do", random.randbytes)
    assert not is_right("a sentence will do" * 1000, found)
    assert isinstance(found, Password)
