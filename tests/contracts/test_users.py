"""People in Postgres: digests alone, never without an admin, every change in the audit table with it."""

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from models.errors import BadSetting, Misuse, NotFound, Unauthenticated
from streams.ledger.audit import PostgresAudit
from streams.ledger.users import KnownUser, PostgresUsers
from streams.user_desk import UserDesk
from tests.contracts.ledger_worlds import TIMEOUT_S

pytestmark = pytest.mark.stack

SENTENCE = "a sentence will do"
WORDS = {"actor": "root", "why": "a test"}


@pytest.fixture
def desk(ledger_url: str) -> Iterator[UserDesk]:
    users = PostgresUsers(ledger_url, TIMEOUT_S, "test-users")
    with closing(UserDesk(users, Random(4).randbytes)) as found:
        yield found


def made(desk: UserDesk, name: str = "ann", role: str = "admin") -> None:
    desk.create(name, role, SENTENCE, **WORDS)


def test_who_was_made_signs_in_with_his_password_only(desk: UserDesk) -> None:
    made(desk)
    assert desk.sign_in("ann", SENTENCE) == KnownUser("ann", "admin", 1)
    for name, password in (("ann", SENTENCE + "."), ("bob", SENTENCE), ("", ""), ("ann", "")):
        with pytest.raises(Unauthenticated, match="name or password is wrong"):
            desk.sign_in(name, password)


def test_a_name_is_given_once(desk: UserDesk) -> None:
    made(desk)
    with pytest.raises(Misuse, match="there is a user ann"):
        made(desk)


def test_each_change_ends_what_was_signed_before(desk: UserDesk) -> None:
    made(desk)
    made(desk, "bob", "viewer")
    desk.give("bob", "analyst", **WORDS)
    desk.reset("bob", "another sentence", **WORDS)
    assert desk.sign_in("bob", "another sentence") == KnownUser("bob", "analyst", 3)
    with pytest.raises(Unauthenticated):
        desk.sign_in("bob", SENTENCE)


def test_who_is_disabled_does_not_sign_in_until_he_is_reset(desk: UserDesk) -> None:
    made(desk)
    made(desk, "bob", "viewer")
    once, twice = (desk.disable("bob", **WORDS) for _ in range(2))
    assert (once.state, twice) == ("disabled", once)
    with pytest.raises(Unauthenticated):
        desk.sign_in("bob", SENTENCE)
    with pytest.raises(Unauthenticated):
        desk.acting("bob")
    assert desk.reset("bob", SENTENCE, **WORDS).state == "active"
    assert desk.sign_in("bob", SENTENCE).epoch == 3


def test_who_signs_out_ends_all_he_has_signed_in_with_and_may_sign_in_again(
    desk: UserDesk, ledger_url: str
) -> None:
    made(desk)
    made(desk, "bob", "viewer")
    before = desk.records()
    for _ in range(2):
        desk.sign_out("bob", 1, actor="user/bob")
    assert desk.acting("bob") == KnownUser("bob", "viewer", 2)
    assert desk.acting("ann").epoch == 1
    assert desk.records() == before
    assert desk.sign_in("bob", SENTENCE).epoch == 2
    with closing(PostgresAudit(ledger_url, TIMEOUT_S, "test-users")) as audit:
        (row, other) = audit.newest(2)
    told = (row.actor, row.action, row.object, row.before, row.after)
    assert told == ("user/bob", "sign out", "user bob", "signed in", "signed out")
    assert other.action == "create"


@pytest.mark.parametrize("name", ["nobody", "bob"])
def test_who_may_not_act_has_nothing_to_sign_out_of(desk: UserDesk, name: str) -> None:
    made(desk)
    made(desk, "bob", "viewer")
    disabled = desk.disable("bob", **WORDS)
    desk.sign_out(name, 2, actor=f"user/{name}")
    assert desk.records()[1] == disabled
    assert desk.reset("bob", SENTENCE, **WORDS).state == "active"
    assert desk.acting("bob").epoch == 3


def test_the_last_admin_stays(desk: UserDesk) -> None:
    made(desk)
    made(desk, "bob", "admin")
    desk.disable("bob", **WORDS)
    with pytest.raises(Misuse, match="ann is the last admin"):
        desk.disable("ann", **WORDS)
    with pytest.raises(Misuse, match="ann is the last admin"):
        desk.give("ann", "viewer", **WORDS)
    assert desk.acting("ann").role == "admin"


def test_nobody_is_not_found(desk: UserDesk) -> None:
    with pytest.raises(NotFound, match="there is no user nobody"):
        desk.disable("nobody", **WORDS)
    with pytest.raises(NotFound, match="there is no user nobody"):
        desk.reset("nobody", SENTENCE, **WORDS)


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", "admin", SENTENCE),
        ("a/b", "admin", SENTENCE),
        ("ann", "root", SENTENCE),
        ("ann", "admin", "short"),
    ],
)
def test_what_cannot_be_taken_is_not(desk: UserDesk, name: str, role: str, password: str) -> None:
    with pytest.raises(BadSetting):
        desk.create(name, role, password, **WORDS)
    assert desk.records() == []


def test_every_change_is_audited_without_the_password(desk: UserDesk, ledger_url: str) -> None:
    made(desk)
    made(desk, "bob", "viewer")
    desk.give("bob", "analyst", **WORDS)
    desk.reset("bob", SENTENCE, **WORDS)
    desk.disable("bob", **WORDS)
    with closing(PostgresAudit(ledger_url, TIMEOUT_S, "test-users")) as audit:
        rows = audit.newest(5)
        assert audit.first_break() is None
    assert [row.action for row in reversed(rows)] == ["create", "create", "role", "reset", "disable"]
    assert {row.actor for row in rows} == {"root"}
    assert SENTENCE not in repr(rows)
