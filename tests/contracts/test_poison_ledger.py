"""What the ledger tells of malformed records, so that every worker stops at the same one."""

from dataclasses import replace

from streams.arrivals import EXPIRED_HEADER
from streams.ports import Poison
from streams.topics import Partition
from tests.builders import label, transaction
from tests.contracts.ledger_worlds import LedgerThatTells
from tests.contracts.offers import decide, label_next, offer_labels, records

HERE = Partition("transactions-id", 0)


def poison(ledger: LedgerThatTells, topic: str = "transactions-id") -> Poison:
    return ledger.poison(topic, {0: (0, 100)})[0]


def test_malformed_records_are_told_by_their_offsets(ledger: LedgerThatTells) -> None:
    decide(ledger, b"{oops", transaction("a"), b"", b"[]")
    assert poison(ledger) == Poison([0, 2, 3], 0)
    assert ledger.poison("transactions-id", {0: (1, 3)}) == {0: Poison([2], 0)}


def test_partitions_and_topics_are_told_apart(ledger: LedgerThatTells) -> None:
    decide(ledger, b"{oops", partition=1)
    label_next(ledger, b"{oops", b"{oops")
    assert ledger.poison("transactions-id", {0: (0, 9), 1: (0, 9)}) == {0: Poison([], 0), 1: Poison([0], 0)}
    assert poison(ledger, topic="labels-id") == Poison([0, 1], 0)


def test_a_label_that_has_waited_in_vain_was_not_malformed(ledger: LedgerThatTells) -> None:
    expired = replace(records(label("a"), topic="labels"), headers=[[(EXPIRED_HEADER, b"true")]])
    offer_labels(ledger, expired)
    assert list(ledger.recorded("labels-id", {0: (0, 9)}).dead) == [(0, 0)]
    assert poison(ledger, topic="labels-id") == Poison([], 0)


def test_the_furthest_allowance_holds(ledger: LedgerThatTells) -> None:
    for until in (5, 9, 7, 9):
        ledger.allow_poison("transactions", HERE, until)
    assert poison(ledger).allowed_until == 9


def test_a_topic_that_nothing_was_settled_of_can_be_allowed_too(ledger: LedgerThatTells) -> None:
    ledger.allow_poison("labels", Partition("labels-id", 0), 3)
    assert poison(ledger, topic="labels-id").allowed_until == 3
    assert ledger.all_progress() == {}


def test_an_allowance_is_for_one_partition_of_one_incarnation(ledger: LedgerThatTells) -> None:
    ledger.allow_poison("transactions", HERE, 3)
    assert ledger.poison("transactions-id", {1: (0, 9)})[1].allowed_until == 0
    assert ledger.poison("made-again", {0: (0, 9)})[0].allowed_until == 0
