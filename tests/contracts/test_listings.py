"""The ledger as a list: newest first, filtered, page by page; and its alerts, followed as they come."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from models.decision import DecidedTransaction
from models.errors import LedgerUnavailable, OtherLedger, TooWide
from streams.answered import Answered
from streams.ports import Listings, PlaceInFeed, PlaceInList
from streams.ports.listing import Wanted
from tests.builders import NOW, transaction
from tests.contracts.ledger_worlds import LedgerWorld, PostgresWorld
from tests.contracts.offers import SCORING, decide
from tests.contracts.test_answers import answered

ALL = Wanted()
REVIEW, DECLINE = 20_000, 200_000


@pytest.fixture
def lists(ledgers: LedgerWorld) -> Listings:
    return ledgers.listings()


def at(second: float) -> Any:
    return NOW + timedelta(seconds=second)


def fill(ledgers: LedgerWorld) -> None:
    """Sweeps of three seconds, two answers of the gateway, one of them degraded."""
    decide(ledgers.ledger, transaction("a"), transaction("b", amount_minor=REVIEW), decided_at=at(1))
    decide(
        ledgers.ledger,
        transaction("c", customer_id="c-2"),
        transaction("d", terminal_id="t-2", amount_minor=DECLINE),
        decided_at=at(2),
        scorings=(replace_variant("challenger"),),
    )
    decide(ledgers.ledger, transaction("e"), decided_at=at(3), degraded_reason="no_history")
    ledgers.ledger.answer([answered("r", decided_at=at(2))])
    ledgers.ledger.answer([answered("s", decided_at=at(4), degraded_reason="no_history")])


def replace_variant(name: str) -> Any:
    return SCORING._replace(variant=name)


def names(found: Any) -> str:
    return "".join(each.transaction_id for each in found)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ALL, "serdcba"),
        (Wanted(decision="review"), "srb"),
        (Wanted(decision="approve"), "eca"),
        (Wanted(alerts_only=True), "srdb"),
        (Wanted(alerts_only=True, decision="decline"), "d"),
        (Wanted(alerts_only=True, terminal_id="t-2"), "d"),
        (Wanted(customer_id="c-2"), "c"),
        (Wanted(terminal_id="t-2"), "d"),
        (Wanted(variant="challenger"), "dc"),
        (Wanted(path="rest"), "sr"),
        (Wanted(path="stream", decision="review"), "b"),
        (Wanted(degraded=True), "se"),
        (Wanted(degraded=False), "rdcba"),
        (Wanted(since=at(2), until=at(3)), "rdc"),
        (Wanted(customer_id="'; --"), ""),
    ],
    ids=str,
)
def test_what_is_asked_for_comes_newest_first(ledgers: LedgerWorld, wanted: Wanted, expected: str) -> None:
    fill(ledgers)
    assert names(ledgers.listings().page(wanted, None, 50)) == expected


def test_what_comes_is_the_decision_as_it_stands(ledgers: LedgerWorld, lists: Listings) -> None:
    fill(ledgers)
    assert all(each == ledgers.ledger.decision(each.transaction_id) for each in lists.page(ALL, None, 50))


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_follow_each_other_while_more_is_decided(ledgers: LedgerWorld, limit: int) -> None:
    """One that comes late with an earlier time may be on a later page, and disturbs none."""
    fill(ledgers)
    lists, seen = ledgers.listings(), list[DecidedTransaction]()
    before: PlaceInList | None = None
    while page := lists.page(ALL, before, limit):
        seen += page
        before = PlaceInList(page[-1].decided_at, page[-1].transaction_id)
        number = len(seen)
        decide(ledgers.ledger, transaction(f"new-{number}"), decided_at=at(10 + number))
        if number <= 7:
            decide(ledgers.ledger, transaction(f"late-{number}"), decided_at=at(-number))
    stood = [each.transaction_id for each in seen if len(each.transaction_id) == 1]
    assert "".join(stood) == "serdcba"
    assert len({each.transaction_id for each in seen}) == len(seen)


def followed(lists: Listings, place: PlaceInFeed, limit: int = 100) -> tuple[list[str], PlaceInFeed]:
    found: list[str] = []
    while True:
        page = lists.alerts_after(place, limit)
        found += [each.decided.transaction_id for each in page.alerts]
        place = page.place
        if page.is_all:
            return found, place


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_alerts_are_followed_from_a_place_on_in_the_order_of_writing(
    ledgers: LedgerWorld, limit: int
) -> None:
    lists = ledgers.listings()
    beginning = lists.end_of_feed()
    fill(ledgers)
    found, place = followed(lists, beginning, limit)
    assert found == ["b", "d", "r", "s"]
    assert followed(lists, place) == ([], place)
    decide(ledgers.ledger, transaction("z", amount_minor=REVIEW), decided_at=at(-100))
    assert followed(lists, place)[0] == ["z"]


def test_whoever_comes_back_with_the_place_of_an_alert_gets_the_next(ledgers: LedgerWorld) -> None:
    lists = ledgers.listings()
    beginning = lists.end_of_feed()
    decide(ledgers.ledger, *(transaction(name, amount_minor=REVIEW) for name in "abc"))
    first = lists.alerts_after(beginning, 2)
    assert followed(lists, first.alerts[0].place)[0] == ["b", "c"]
    assert followed(lists, first.place)[0] == ["c"]


def test_an_alert_that_is_claimed_by_its_record_comes_once(ledgers: LedgerWorld) -> None:
    lists = ledgers.listings()
    beginning = lists.end_of_feed()
    ledgers.ledger.answer([answered("a")])
    found, place = followed(lists, beginning)
    decide(ledgers.ledger, transaction("a", amount_minor=REVIEW))
    assert (found, followed(lists, place)[0]) == (["a"], [])


def test_a_place_of_another_ledger_is_refused(ledgers: LedgerWorld, lists: Listings) -> None:
    with pytest.raises(OtherLedger):
        lists.alerts_after(lists.end_of_feed()._replace(ledger_id="restored"), 1)


def test_a_list_out_of_reach_says_so(ledgers: LedgerWorld) -> None:
    lists = ledgers.listings()
    lists.page(ALL, None, 1)
    with ledgers.interrupted(), pytest.raises(LedgerUnavailable):
        lists.page(ALL, None, 1)
    assert lists.page(ALL, None, 1) == []


@pytest.mark.stack
@pytest.mark.timeout(180)
class TestOnPostgres:
    """What needs transactions that are under way at once."""

    @pytest.fixture
    def world(self, ledger_url: str) -> Any:
        world = PostgresWorld(ledger_url)
        yield world
        world.close()

    def test_what_is_committed_late_is_not_missed(self, world: PostgresWorld) -> None:
        """The earlier transaction, with the earlier `decided_at`, ends last: all wait for it."""
        lists = world.listings()
        place = lists.end_of_feed()
        with psycopg.connect(world.url) as slow:
            insert(slow, answered("slow", decided_at=at(1)))
            world.ledger.answer([answered("fast", decided_at=at(2))])
            assert names(lists.page(ALL, None, 10)) == "fast"
            found, place = followed(lists, place)
            assert found == []
            slow.commit()
        found, place = followed(lists, place)
        assert found == ["slow", "fast"]
        assert followed(lists, place)[0] == []

    def test_what_is_rolled_back_is_not_told_and_holds_nobody_up(self, world: PostgresWorld) -> None:
        lists = world.listings()
        place = lists.end_of_feed()
        with psycopg.connect(world.url) as slow:
            insert(slow, answered("never", decided_at=at(1)))
            world.ledger.answer([answered("fast", decided_at=at(2))])
            slow.rollback()
        assert followed(lists, place)[0] == ["fast"]

    def test_a_long_read_holds_nobody_up(self, world: PostgresWorld) -> None:
        lists = world.listings()
        place = lists.end_of_feed()
        with psycopg.connect(world.url) as reader:
            reader.execute("SELECT count(*) FROM decisions")
            world.ledger.answer([answered("a")])
            assert followed(lists, place)[0] == ["a"]

    def test_rows_of_before_are_listed_and_not_followed(self, world: PostgresWorld) -> None:
        world.ledger.answer([answered("a")])
        with psycopg.connect(world.url) as operator:
            operator.execute("UPDATE decisions SET written_in = NULL")
        lists = world.listings()
        nothing_yet = lists.end_of_feed()._replace(written_in=0)
        assert names(lists.page(Wanted(alerts_only=True), None, 10)) == "a"
        assert followed(lists, nothing_yet)[0] == []

    def test_a_list_that_takes_too_long_asks_for_less(self, world: PostgresWorld) -> None:
        lists = world.listings()
        with lists._connector.use() as connection:
            connection.execute("SET lock_timeout = 0")
            connection.execute("SET statement_timeout = 50")
        with psycopg.connect(world.url) as operator:
            operator.execute("LOCK TABLE scorings IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(TooWide):
                lists.page(ALL, None, 1)
        assert lists.page(ALL, None, 1) == []


def insert(connection: Any, made: Answered) -> None:
    """As the gateway does, in a transaction that stays open."""
    from streams.ledger import answers

    connection.numbers = {}
    rows = answers.rows_of(connection, [made], [answers.NOBODY])
    connection.commit()
    answers.insert(connection, rows)
