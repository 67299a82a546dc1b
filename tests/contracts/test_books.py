"""The ledger's books: what is told of records, labels and histories is what the ledger holds."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from load.doubles import FakeBooks, FakeLedger
from models.decision import DecidedTransaction
from models.errors import LedgerUnavailable
from models.history import EVENT, MARK
from streams.ledger.books import LedgerBooks
from streams.reconcile.ports import Books, Decided, Piece, Spans, Unclaimed, Wanted
from streams.topics import Partition
from tests.builders import NOON_MS, NOW, decided, label, transaction
from tests.contracts.ledger_worlds import TIMEOUT_S, LedgerWorld
from tests.contracts.offers import decide, following, label_next, offer

FIRST, SECOND = Partition("transactions-id", 0), Partition("transactions-id", 1)
LABELS = Partition("labels-id", 0)
NOON_S = NOON_MS // 1000
ALL = (0, 1000)
EVERYTHING = Wanted()


@pytest.fixture
def books(kind: str, ledgers: LedgerWorld, request: pytest.FixtureRequest) -> Iterator[Books]:
    if kind == "fake":
        fake: Any = ledgers.ledger
        yield FakeBooks(fake)
        return
    with closing(LedgerBooks(request.getfixturevalue("ledger_url"), TIMEOUT_S)) as real:
        yield real


def told(books: Books, wanted: Wanted = EVERYTHING) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Records by history, as a snapshot tells them: partition, offset, second, payload and kind."""
    with books.snapshot(wanted) as snapshot:
        partitions = list(snapshot.progress)
        return by_history(snapshot.pieces(), partitions)


def by_history(pieces: Any, partitions: list[Partition]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for piece in pieces:
        columns = (piece.offset, piece.time_s, piece.payload, piece.kind)
        places = [partitions[place] for place in piece.place.tolist()]
        records = list(zip(places, *(column.tolist() for column in columns), strict=True))
        found.setdefault((piece.entity, piece.name), []).extend(records)
    return {key: sorted(records) for key, records in found.items()}


def the_row(ledgers: LedgerWorld, name: str) -> DecidedTransaction:
    found = ledgers.ledger.decision(name)
    assert found is not None
    return found


# By place and by id.


def test_decisions_are_told_by_the_offsets_that_own_them(ledgers: LedgerWorld, books: Books) -> None:
    documents = (
        transaction("a", day=1.5),
        transaction("b", customer_id="c-2", attributes={"n": 3, "s": "x"}),
    )
    decide(ledgers.ledger, *documents, transaction("c"))
    decide(ledgers.ledger, transaction("elsewhere"), partition=1)
    assert books.rows(FIRST, 0, 2) == {
        0: ("a", "c-1", "t-1", 1999, NOON_MS + 129_600_000, "EUR", None),
        1: ("b", "c-2", "t-1", 1999, NOON_MS, "EUR", {"n": 3.0, "s": "x"}),
    }
    assert list(books.rows(FIRST, 2, 1000)) == [2]
    assert books.rows(Partition("earlier-id", 0), *ALL) == {}


@pytest.mark.parametrize("value", [2**63 - 1, 0.1, -0.0, 1e16, 1e23, 5e-324, -1.7e308], ids=str)
def test_attributes_are_told_as_they_compare(ledgers: LedgerWorld, books: Books, value: float) -> None:
    decide(ledgers.ledger, transaction("a", attributes={"value": value}))
    assert books.rows(FIRST, *ALL)[0][-1] == {"value": float(value)}
    assert books.decided(["a"])["a"].body[-1] == {"value": float(value)}


def test_labels_are_told_by_what_became_of_them(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, transaction("a"))
    label_next(ledgers.ledger, label("a"), label("waits", version=2), label("a"), b"{oops", label("waits"))
    event_time = datetime(2024, 1, 1, tzinfo=UTC)
    assert books.accepted(LABELS, *ALL) == {0: ("a", 1, "a-label", "fraud", "chargeback", event_time)}
    assert books.parked(LABELS, *ALL) == {1: ("waits", 2), 4: ("waits", 1)}
    assert books.parked(LABELS, 0, 4) == {1: ("waits", 2)}
    assert books.dead(LABELS, *ALL) == {3}
    assert books.waiting([("waits", 1), ("waits", 7), ("a", 1)]) == {("waits", 1)}
    assert books.labelled([("a", 1), ("a", 2), ("waits", 1)]) == {("a", 1)}


def test_what_is_recorded_is_counted(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, transaction("a"), b"{oops", transaction("b"), b"")
    label_next(ledgers.ledger, label("a"), label("waits"), b"")
    assert books.counts(FIRST, *ALL) == (2, 2)
    assert books.counts(FIRST, 1, 3) == (1, 1)
    assert books.counts(LABELS, *ALL) == (1, 1)
    assert books.owners() == {FIRST: 2}


def test_reviews_and_declines_come_in_the_order_of_their_offsets(ledgers: LedgerWorld, books: Books) -> None:
    amounts = [200_000, 500, 20_000, 20_000]
    decide(
        ledgers.ledger, *(transaction(f"tx-{9 - n}", amount_minor=minor) for n, minor in enumerate(amounts))
    )
    assert list(books.flagged(FIRST, *ALL)) == ["tx-9", "tx-7", "tx-6"]
    assert list(books.flagged(FIRST, 1, 3)) == ["tx-7"]


def test_a_decision_is_told_with_its_owner_if_it_has_one(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, transaction("a", amount_minor=20_000), partition=1)
    ledgers.decide_by_rest(decided(transaction_id="by-rest", path="rest", attributes=None))
    found = books.decided(["by-rest", "a", "nobody"])
    assert found == {
        "a": Decided((SECOND, 0), the_row(ledgers, "a")),
        "by-rest": Decided(None, the_row(ledgers, "by-rest")),
    }
    event_ms = 1_767_323_045_678
    assert found["a"].body == ("a", "c-1", "t-1", 20_000, NOON_MS, "EUR", None)
    assert found["by-rest"].body == ("by-rest", "c-1", "t-1", 1999, event_ms, "EUR", None)


def test_decisions_that_no_record_has_claimed_are_counted_and_named(
    ledgers: LedgerWorld, books: Books
) -> None:
    for name, minutes in (("b", 0), ("a", 1), ("c", 2)):
        ledgers.decide_by_rest(
            decided(transaction_id=name, path="rest", decided_at=NOW + timedelta(minutes=minutes))
        )
    decide(ledgers.ledger, transaction("claimed"))
    assert books.unclaimed(NOW, 5) == Unclaimed(3, 0, [])
    assert books.unclaimed(NOW + timedelta(minutes=2), 5) == Unclaimed(3, 2, ["a", "b"])
    assert books.unclaimed(NOW + timedelta(minutes=9), 1) == Unclaimed(3, 3, ["a"])


def test_labels_add_up_to_the_latest_in_whatever_order_their_versions_came(
    ledgers: LedgerWorld, books: Books
) -> None:
    decide(ledgers.ledger, transaction("a"), transaction("b"))
    label_next(
        ledgers.ledger,
        label("a", version=2, label="fraud"),
        label("a", version=1, label="genuine"),
        label("b", version=1),
        label("b", version=3, label="unknown"),
        label("b", version=2),
    )
    assert books.unbalanced(5) == (0, [])
    assert books.dangling(5) == (0, [])


def test_nothing_strays_from_what_is_settled(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, transaction("a"), b"{oops")
    label_next(ledgers.ledger, label("a"), label("waits"), b"{oops")
    assert books.strays(5) == []


# Histories.


def test_a_snapshot_tells_what_rows_and_marks_add_to_histories(ledgers: LedgerWorld, books: Books) -> None:
    decide(
        ledgers.ledger, transaction("a", day=1), transaction("b", day=2, customer_id="c-2", amount_minor=5)
    )
    decide(ledgers.ledger, transaction("c", terminal_id="t-2"), partition=1)
    label_next(
        ledgers.ledger,
        label("a"),
        label("b", label="genuine"),
        label("c"),
        label("c", version=2, label="genuine"),
    )
    assert told(books) == {
        ("customer", "c-1"): [(FIRST, 0, NOON_S + 86_400, 1999, EVENT), (SECOND, 0, NOON_S, 1999, EVENT)],
        ("customer", "c-2"): [(FIRST, 1, NOON_S + 172_800, 5, EVENT)],
        ("terminal", "t-1"): [
            (LABELS, 0, NOON_S + 86_400, 1, MARK),
            (FIRST, 0, NOON_S + 86_400, 0, EVENT),
            (FIRST, 1, NOON_S + 172_800, 0, EVENT),
        ],
        ("terminal", "t-2"): [
            (LABELS, 2, NOON_S, 1, MARK),
            (LABELS, 3, NOON_S, -1, MARK),
            (SECOND, 0, NOON_S, 0, EVENT),
        ],
    }


def test_what_was_late_or_waits_for_its_record_is_in_no_history(ledgers: LedgerWorld, books: Books) -> None:
    offer(ledgers.ledger, following(ledgers.ledger, transaction("a")), late=np.array([True]))
    ledgers.decide_by_rest(decided(transaction_id="by-rest", path="rest"))
    label_next(ledgers.ledger, label("a"))
    assert told(books) == {}


def test_a_name_that_only_the_view_knows_is_told_without_records(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, transaction("a"))
    names = [("customer", "ghost"), ("customer", "c-1"), ("terminal", 'g"h,o{s}t\\'), ("customer", "ghost")]
    found = told(books, Wanted(names))  # type: ignore[arg-type]
    assert found["customer", "ghost"] == found["terminal", 'g"h,o{s}t\\'] == []
    assert len(found["customer", "c-1"]) == 1


def test_histories_come_in_the_order_of_their_names_each_in_one_place(
    ledgers: LedgerWorld, books: Books
) -> None:
    names = ["c-2", "C-1", "ä", "c-10", "💳", "c-1"]
    decide(ledgers.ledger, *(transaction(name, customer_id=name, terminal_id=name) for name in names))
    with books.snapshot(EVERYTHING) as snapshot:
        keys = [(piece.entity, piece.name) for piece in snapshot.pieces()]
    assert keys == [(entity, name) for entity in ("customer", "terminal") for name in sorted(names)]


def test_a_long_history_comes_in_pieces(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, *(transaction(f"tx-{n}", terminal_id=f"t-{n % 7}") for n in range(5000)))
    with books.snapshot(EVERYTHING) as snapshot:
        pieces = [piece for piece in snapshot.pieces() if piece.entity == "customer"]
    assert [len(piece.offset) for piece in pieces] == [4096, 904]
    assert {piece.total for piece in pieces} == {5000}
    assert sorted(offset for piece in pieces for offset in piece.offset.tolist()) == list(range(5000))


def test_a_range_tells_the_histories_that_have_a_record_in_it_whole(
    ledgers: LedgerWorld, books: Books
) -> None:
    customers = ["c-0", "c-1", "c-0", "c-2"]
    decide(
        ledgers.ledger,
        *(transaction(f"tx-{n}", customer_id=who, terminal_id=f"t-{n}") for n, who in enumerate(customers)),
    )
    label_next(ledgers.ledger, label("tx-3"), label("tx-1"))
    spans: Spans = {FIRST: (1, 3), LABELS: (0, 1)}
    found = told(books, Wanted(spans=spans))
    assert {key: len(records) for key, records in found.items()} == {
        ("customer", "c-0"): 2,
        ("customer", "c-1"): 1,
        ("terminal", "t-1"): 2,
        ("terminal", "t-2"): 1,
        ("terminal", "t-3"): 2,
    }
    assert told(books, Wanted(spans={})) == {}


def test_a_snapshot_does_not_change(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, transaction("a"))
    with books.snapshot(EVERYTHING) as snapshot:
        decide(ledgers.another(), transaction("b"), transaction("c", customer_id="c-2"))
        assert snapshot.progress == {FIRST: 1}
        found = by_history(snapshot.pieces(), [FIRST])
    assert {key: len(records) for key, records in found.items()} == {
        ("customer", "c-1"): 1,
        ("terminal", "t-1"): 1,
    }
    assert len(told(books)["terminal", "t-1"]) == 3


def test_names_are_taken_before_the_moment_of_the_snapshot(ledgers: LedgerWorld, books: Books) -> None:
    """Whatever the view has applied by then, the ledger knows."""

    def names() -> Iterator[Any]:
        decide(ledgers.ledger, transaction("a"))
        yield ("customer", "c-1")

    assert len(told(books, Wanted(names()))["customer", "c-1"]) == 1


def test_what_some_offsets_add_is_told_for_the_names_asked_for(ledgers: LedgerWorld, books: Books) -> None:
    decide(ledgers.ledger, *(transaction(f"tx-{n}", customer_id=f"c-{n % 2}") for n in range(4)))
    decide(ledgers.ledger, transaction("other"), partition=1)
    label_next(ledgers.ledger, label("tx-0"), label("tx-1"))
    spans: Spans = {FIRST: (1, 4), LABELS: (1, 2), Partition("earlier-id", 0): (0, 9)}
    pieces: list[Piece] = books.settled(spans, {"customer": ["c-1", "nobody"], "terminal": ["t-1"]})
    assert by_history(pieces, list(spans)) == {
        ("customer", "c-1"): [(FIRST, 1, NOON_S, 1999, EVENT), (FIRST, 3, NOON_S, 1999, EVENT)],
        ("terminal", "t-1"): [
            (LABELS, 1, NOON_S, 1, MARK),
            *((FIRST, offset, NOON_S, 0, EVENT) for offset in (1, 2, 3)),
        ],
    }


def test_a_ledger_out_of_reach_is_named(kind: str) -> None:
    away: Books
    if kind == "fake":
        away = FakeBooks(FakeLedger(reachable=False))
    else:
        away = LedgerBooks("postgresql://127.0.0.1:1/nowhere", TIMEOUT_S)
    with pytest.raises(LedgerUnavailable):
        away.rows(FIRST, *ALL)
    with pytest.raises(LedgerUnavailable), away.snapshot(EVERYTHING):
        pass
