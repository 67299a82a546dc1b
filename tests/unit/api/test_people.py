"""Who has signed in is who acts, for as long as the ledger says so."""

from collections.abc import Callable

import pytest

from api.people import People
from models.errors import LedgerUnavailable, Unauthenticated
from models.user import OPENS, Signed, Tokens
from streams.ledger.users import KnownUser

ANN = KnownUser("ann", "analyst", 1)
TOKENS = Tokens(b"a secret of these tests", lambda: 1000.0)


class Book:
    """Stands for the ledger, and for the clock."""

    def __init__(self) -> None:
        self.known, self.now_s, self.away = [ANN], 0.0, False

    def ask(self) -> list[KnownUser]:
        if self.away:
            raise LedgerUnavailable("Postgres failed")
        return self.known


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def people(book: Book) -> People:
    found = People(book.ask, TOKENS, lambda: book.now_s)
    found.look()
    return found


def test_a_token_opens_what_the_role_opens(people: People) -> None:
    key = people.whose(people.signed_in(ANN).text)
    assert (key.actor, key.scopes) == ("user/ann", OPENS["analyst"])


@pytest.mark.parametrize(
    "change",
    [lambda: [], lambda: [ANN._replace(epoch=2)], lambda: [ANN._replace(name="bob")]],
    ids=["disabled", "changed", "another"],
)
def test_what_was_signed_before_a_change_opens_nothing_after_it(
    people: People, book: Book, change: Callable[[], list[KnownUser]]
) -> None:
    token = people.signed_in(ANN).text
    book.known = change()
    people.look()
    with pytest.raises(Unauthenticated):
        people.whose(token)


def test_another_role_holds_at_the_next_look(people: People, book: Book) -> None:
    token = people.signed_in(ANN).text
    book.known = [ANN._replace(role="viewer")]
    people.look()
    assert people.whose(token).scopes == OPENS["viewer"]


def test_while_the_ledger_is_away_what_was_heard_holds_for_five_minutes(people: People, book: Book) -> None:
    token = TOKENS.begin("ann", 1).text
    book.away, book.now_s = True, 300.0
    assert people.whose(token).name == "ann"
    book.now_s = 300.1
    with pytest.raises(LedgerUnavailable):
        people.whose(token)


def test_who_signs_in_again_after_a_change_acts_before_it_is_heard_of(people: People) -> None:
    assert people.whose(people.signed_in(ANN._replace(epoch=2)).text).name == "ann"


def test_a_renewed_token_is_of_the_same_signing_in(people: People) -> None:
    token = TOKENS.sign(Signed("ann", 1, signed_in_at=900)).text
    assert people.read(people.renewed(token, ANN).text) == Signed("ann", 1, signed_in_at=900)


def test_what_the_ledger_has_ended_is_not_renewed_though_nobody_has_heard_it_yet(people: People) -> None:
    token = people.signed_in(ANN).text
    assert people.whose(token).name == "ann"
    with pytest.raises(Unauthenticated):
        people.renewed(token, ANN._replace(epoch=2))
