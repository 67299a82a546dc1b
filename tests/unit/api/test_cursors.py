"""Cursors: whoever goes on from one sees every row that stood once; none but ours is taken."""

from dataclasses import dataclass, field
from datetime import timedelta
from string import ascii_letters, digits

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import Cursors
from api.problems import Problem
from load.doubles import FakeLedger, FakeListings, Row
from streams.ports import PlaceInFeed, PlaceInList
from streams.ports.listing import Wanted
from tests.builders import NOW, decided

CURSORS = Cursors(b"a key of sixteen bytes")
PLACE = PlaceInList(NOW, "tx-1")
ABOUT = Wanted(decision="review")
places = st.builds(
    PlaceInList,
    st.integers(0, 10**9).map(lambda each: NOW + timedelta(microseconds=each)),
    st.text(max_size=64),
)


def refused(cursor: str, *about: object) -> bool:
    try:
        CURSORS.open(cursor, PlaceInList, *about)
    except Problem as problem:
        return problem.code == "cursor"
    return False


@given(places)
def test_a_place_comes_back_as_it_was(place: PlaceInList) -> None:
    cursor = CURSORS.seal(place, ABOUT)
    assert set(cursor) <= set(ascii_letters + digits + "-_")
    assert CURSORS.open(cursor, PlaceInList, ABOUT) == place


@given(st.data())
def test_a_cursor_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    cursor = CURSORS.seal(PLACE, ABOUT)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from(ascii_letters + digits + "-_").filter(lambda each: each != cursor[at]))
    assert refused(cursor[:at] + other + cursor[at + 1 :], ABOUT)


@given(st.text(max_size=80))
def test_anything_else_is_refused(cursor: str) -> None:
    assert refused(cursor, ABOUT)


@pytest.mark.parametrize("added", ["=", "!", " ", "A", "\n", "é"])
def test_what_is_added_to_a_cursor_is_not_passed_over(added: str) -> None:
    assert refused(CURSORS.seal(PLACE, ABOUT) + added, ABOUT)


def test_a_cursor_is_of_one_question_and_one_key() -> None:
    cursor = CURSORS.seal(PLACE, ABOUT)
    assert refused(cursor, Wanted(decision="decline"))
    assert refused(cursor)
    assert refused(Cursors(b"another key of ours").seal(PLACE, ABOUT), ABOUT)


def test_a_place_in_a_list_is_none_in_the_feed() -> None:
    with pytest.raises(Problem):
        CURSORS.open(CURSORS.seal(PLACE, "feed"), PlaceInFeed, ABOUT)


class Insert(msgspec.Struct, frozen=True):
    """A decision that comes to stand. second: of its `decided_at`; many share one."""

    second: int
    decline: bool


inserts = st.builds(Insert, st.integers(0, 5), st.booleans())


@dataclass
class Reader:
    """Pages from the newest on, as a caller does it."""

    lists: FakeListings
    wanted: Wanted
    cursor: str | None = None
    seen: list[str] = field(default_factory=list)
    ended: bool = False

    def turn(self, limit: int) -> None:
        before = CURSORS.open(self.cursor, PlaceInList, self.wanted) if self.cursor else None
        page = self.lists.page(self.wanted, before, limit)
        self.seen += [each.transaction_id for each in page]
        self.ended = len(page) < limit
        if page:
            self.cursor = CURSORS.seal(PlaceInList(page[-1].decided_at, page[-1].transaction_id), self.wanted)


@given(
    st.lists(inserts, max_size=20),
    st.lists(st.one_of(inserts, st.integers(1, 4)), max_size=30),
    st.sampled_from([Wanted(), Wanted(decision="decline"), Wanted(alerts_only=True)]),
)
def test_no_page_repeats_or_skips_what_stood_when_the_first_was_read(
    before: list[Insert], events: list[Insert | int], wanted: Wanted
) -> None:
    """Numbers are pages of so many; between them decisions come to stand, with earlier times too."""
    ledger = FakeLedger()
    for each in before:
        put(ledger, each)
    reader = Reader(FakeListings(ledger), wanted)
    stood = {name for name, row in ledger.rows.items() if wanted.fits(row.decided)}
    reader.turn(2)
    for event in events:
        if isinstance(event, Insert):
            put(ledger, event)
        elif not reader.ended:
            reader.turn(event)
    while not reader.ended:
        reader.turn(3)
    assert len(set(reader.seen)) == len(reader.seen)
    assert stood <= set(reader.seen)


def put(ledger: FakeLedger, insert: Insert) -> None:
    # Ids in no order of time: a digest would do as well.
    name = f"tx-{len(ledger.rows) * 7919 % 1000:03}"
    made = decided(
        transaction_id=name,
        decided_at=NOW + timedelta(seconds=insert.second),
        decision="decline" if insert.decline else "approve",
    )
    ledger.rows[name] = Row(made, None, None)  # type: ignore[arg-type]
