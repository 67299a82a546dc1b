"""Each transaction below the committed offsets has one row, and each row one transaction."""

from typing import Any

import numpy as np
import pytest
from msgspec import structs

from load.doubles import Row
from models.transaction import time_of_ms
from streams.codecs import TransactionCodec
from streams.reconcile import stretches
from streams.reconcile.range import Span
from streams.topics import Partition
from tests.builders import NOON_MS, encoded, label, transaction
from tests.unit.streams.reconciled import Traffic, change, decided_by_rest, moment


def traffic() -> Traffic:
    world = Traffic()
    world.send(*(transaction(f"tx-{n}", customer_id=f"c-{n}", day=n) for n in range(4)))
    return world


def test_a_missing_row_is_found() -> None:
    world = traffic()
    del world.ledger.rows["tx-2"]
    assert world.found("rows") == ["transaction transactions/0/2 (tx-2) has no row"]
    assert world.found("conservation") == [
        "transactions/0: 4 records have become 3: 3 recorded, 0 dead letters, 0 repeats, 0 parked or returned"
    ]


def test_the_row_of_another_transaction_is_found() -> None:
    world = traffic()
    world.logs["transactions"].partitions[0][2] = encoded(transaction("stranger"))
    assert world.found("rows") == ["transaction transactions/0/2 (stranger) has the row of tx-2"]


@pytest.mark.parametrize(
    "damage",
    [
        {"customer_id": "c-9"},
        {"terminal_id": "t-9"},
        {"amount_minor": 2000},
        {"currency": "USD"},
        {"event_time": time_of_ms(NOON_MS + 1)},
        {"attributes": {"channel": "web"}},
    ],
    ids=str,
)
def test_a_row_with_another_body_is_found(damage: dict[str, Any]) -> None:
    world = traffic()
    change(world.ledger.rows["tx-0"], **damage)
    assert world.found("rows") == ["transaction transactions/0/0 (tx-0) has a row with another body"]


def test_attributes_are_the_same_however_they_are_written() -> None:
    world = Traffic()
    world.send(transaction("a", attributes={"items": 3, "rate": 1e23}), transaction("b", attributes={}))
    change(world.ledger.rows["a"], attributes={"items": 3.0, "rate": 10**23})
    assert world.found("rows") == []


def test_a_row_where_the_log_holds_no_record_is_found() -> None:
    world = traffic()
    world.leave_hole()
    world.send(transaction("tx-5"))
    world.ledger.rows["tx-2"].owner = ("transactions-id", 0, 4)
    assert world.found("rows") == [
        "transaction transactions/0/2 (tx-2) came first, and a later record owns its row",
        "row tx-2 has no record at transactions/0/4",
    ]


def test_a_dead_letter_where_the_log_holds_no_record_is_found() -> None:
    world = traffic()
    world.leave_hole()
    world.send(transaction("tx-5"))
    world.ledger.dead["transactions-id", 0, 4] = ("not_json", "")
    assert world.found("rows") == ["a dead letter has no record at transactions/0/4"]


@pytest.mark.parametrize("where", ["between records", "at the end"])
def test_however_many_rows_claim_a_gap_all_are_found(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "WIDEST_GAP", 3)
    world = traffic()
    for _ in range(7):
        world.leave_hole()
    world.send(transaction("last"))
    if where == "at the end":
        world.leave_hole()
        world.settle("transactions", 0, 13)
    for offset in range(4, 11):
        name = f"ghost-{offset}"
        decided = structs.replace(world.ledger.rows["tx-0"].decided, transaction_id=name)
        world.ledger.rows[name] = Row(decided, ("transactions-id", 0, offset), np.empty(0, np.float32))
    assert world.reconcile()["checks"]["rows"]["findings"] == 7


def test_a_gap_is_never_looked_at_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "WIDEST_GAP", 3)
    world = traffic()
    for _ in range(7):
        world.leave_hole()
    world.send(transaction("last"))
    for _ in range(4):
        world.leave_hole()
    span = Span(0, 0, 0, 16, 16)
    found = stretches.stretches(world.topics(), "transactions", span)
    assert [(each.start, each.stop, len(each.messages)) for each in found] == [
        (0, 3, 3),
        (3, 4, 1),
        (4, 7, 0),
        (7, 10, 0),
        (10, 11, 0),
        (11, 12, 1),
        (12, 15, 0),
        (15, 16, 0),
    ]


def test_a_row_of_a_partition_that_does_not_exist_is_found() -> None:
    world = traffic()
    world.ledger.rows["tx-3"].owner = ("transactions-id", 9, 0)
    world.ledger.next_offsets[Partition("transactions-id", 9)] = 1
    assert "1 rows are owned by transactions/9: no such partition" in world.found("rows")


def test_a_row_whose_record_has_expired_is_not_missed() -> None:
    world = traffic()
    world.expired = {("transactions", 0): 3}
    assert world.reconcile()["findings"] == 0


def test_records_that_expire_while_they_are_read_are_not_missed() -> None:
    """The range was taken when the log still held them."""
    world = traffic()
    stores = world.stores()
    ends = stores.log.ends

    def expire_after(topic: str) -> dict[int, tuple[int, int]]:
        told = ends(topic)
        if topic == "transactions":
            world.expired["transactions", 0] = 2
        return told

    stores.log.ends = expire_after  # type: ignore[method-assign]
    outcome = world.outcome(stores=stores)
    assert outcome.findings == 0
    assert outcome.partitions[0]["expired"] == 2


def test_a_record_that_is_both_decided_and_set_aside_is_found() -> None:
    world = traffic()
    world.ledger.dead["transactions-id", 0, 1] = ("not_json", "")
    assert world.found("rows") == ["transaction transactions/0/1 has both a row and a dead letter"]


def test_a_malformed_record_that_was_not_set_aside_is_found() -> None:
    world = traffic()
    world.send(b"{oops")
    world.ledger.dead.clear()
    assert world.found("rows") == ["transaction transactions/0/4 is malformed, and was not set aside"]


def test_a_record_that_was_set_aside_stays_so_though_today_it_would_be_taken() -> None:
    """Verdicts stand: the ledger has recorded it as dead, so it needs no row."""
    world = Traffic()
    world.send(transaction("a"), transaction("in-dollars", currency="USD"))
    world.codec = TransactionCodec("USD", 300_000)
    world.expired = {("transactions", 0): 1}
    assert [dead.reason for dead in world.letters] == ["currency"]
    assert world.reconcile()["findings"] == 0


def test_a_decision_stands_though_today_its_record_would_be_refused() -> None:
    world = traffic()
    world.codec = TransactionCodec("USD", 300_000)
    told = world.reconcile()
    assert (told["findings"], told["partitions"][0]["own"]) == (0, 4)


def test_rows_of_a_topic_that_was_made_again_are_not_looked_for_in_the_new_one() -> None:
    world = traffic()
    for row in world.ledger.rows.values():
        assert row.owner is not None
        row.owner = ("earlier-id", *row.owner[1:])
    world.view.state[0].watermarks = {
        (view, Partition("earlier-id", place.number)): at
        for (view, place), at in world.view.state[0].watermarks.items()
    }
    world.ledger.next_offsets = {Partition("earlier-id", 0): 4}
    world.logs["transactions"].partitions = {0: [], 1: []}
    world.outbox.offsets.clear()
    report = world.reconcile()
    assert (report["findings"], report["elsewhere"]["other_topics"]) == (0, 4)


# Duplicates.


def test_a_repeat_needs_no_row_of_its_own_and_one_with_another_body_is_counted_as_a_conflict() -> None:
    world = traffic()
    world.send(
        transaction("tx-1", customer_id="c-1", day=1), transaction("tx-2", amount_minor=1), partition=1
    )
    told = world.reconcile()
    assert told["findings"] == 0
    assert (told["partitions"][1]["repeated"], told["partitions"][1]["conflicts"]) == (2, 1)


def test_a_repeat_of_what_nobody_has_decided_is_found() -> None:
    world = traffic()
    world.send(transaction("tx-1"), partition=1)
    del world.ledger.rows["tx-1"]
    assert len(world.found("rows")) == 2


@pytest.mark.parametrize("path", ["stream", "rest"])
def test_the_first_of_two_copies_in_a_partition_owns_the_row(path: str) -> None:
    world = traffic()
    world.send(transaction("tx-1", customer_id="c-1", day=1))
    row = world.ledger.rows["tx-1"]
    row.owner = ("transactions-id", 0, 4)
    change(row, path=path)
    assert world.found("rows") == [
        "transaction transactions/0/1 (tx-1) came first, and a later record owns its row"
    ]


# Decisions made by REST.


def test_a_decision_of_rest_waits_for_its_record_without_being_missed() -> None:
    world = traffic()
    decided_by_rest(world, "by-rest", amount_minor=20_000)
    world.now = moment(5)
    assert world.reconcile()["findings"] == 0


def test_a_decision_of_rest_belongs_to_the_first_copy_with_its_body() -> None:
    world = traffic()
    decided_by_rest(world, "by-rest")
    world.send(transaction("by-rest", amount_minor=1))
    world.send(transaction("by-rest"))
    told = world.reconcile()
    assert (told["findings"], told["partitions"][0]["conflicts"]) == (0, 1)


def test_a_record_that_has_not_claimed_its_decision_is_found() -> None:
    world = traffic()
    decided_by_rest(world, "by-rest")
    world.send(transaction("by-rest"))
    world.ledger.rows["by-rest"].owner = None
    assert world.found("rows") == ["transaction transactions/0/4 (by-rest) has not claimed its row"]


def test_a_conflict_does_not_claim_a_decision_of_rest() -> None:
    world = traffic()
    decided_by_rest(world, "by-rest")
    world.now = moment(5)
    world.send(transaction("by-rest", amount_minor=1))
    assert world.reconcile()["findings"] == 0


def test_once_the_log_is_quiet_no_decision_of_rest_waits_for_long() -> None:
    world = traffic()
    decided_by_rest(world, "by-rest")
    assert world.found("rest") == ["transaction by-rest was decided by REST, and no record has come"]


def test_while_the_log_is_not_quiet_a_decision_of_rest_may_wait() -> None:
    world = traffic()
    decided_by_rest(world, "by-rest")
    world.produce(transaction("next"))
    assert world.found("rest") == []


# Decisions that have left for the archive.


def test_records_whose_rows_have_left_for_the_archive_are_no_findings() -> None:
    world = traffic()
    world.label(label("tx-2"))
    for name in ("tx-1", "tx-2"):
        world.ledger.archive(name)
    told = world.reconcile()
    assert told["findings"] == 0
    assert (told["partitions"][0]["own"], told["partitions"][0]["archived"]) == (2, 2)
    assert told["reconciled_ratio"] == 1.0


def test_a_copy_of_an_archived_one_with_another_body_is_counted_as_a_conflict() -> None:
    world = traffic()
    world.ledger.archive("tx-2")
    world.send(transaction("tx-2", amount_minor=1), partition=1)
    told = world.reconcile()
    assert told["findings"] == 0
    assert (told["partitions"][1]["archived"], told["partitions"][1]["conflicts"]) == (1, 1)


def test_an_alert_that_is_not_what_was_archived_is_found() -> None:
    world = Traffic()
    world.send(transaction("tx-9", amount_minor=20_000))
    world.ledger.archive("tx-9")
    assert world.reconcile()["findings"] == 0
    left = world.ledger.left["tx-9"]
    other = structs.replace(left.decision, score=0.123)
    world.ledger.left["tx-9"] = structs.replace(left, decision=other)
    (found,) = world.found("alerts")
    assert "of transaction tx-9 is not what was archived" in found
