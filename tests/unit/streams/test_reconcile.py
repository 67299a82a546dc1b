"""A clean set of stores has no findings, whatever goes on meanwhile; and what a reconciliation tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import KafkaUnavailable, LedgerUnavailable, Unavailable, ViewUnavailable
from models.history import Retention
from streams.reconcile.check import SHOWN
from streams.reconcile.outcome import CHECKS
from streams.reconcile.range import Range
from streams.topics import Partition
from tests.builders import encoded, label, transaction
from tests.unit.streams.reconciled import Traffic, decided_by_rest, moment

NOTHING = {"checked": 0, "findings": 0, "first": []}


def traffic(count: int = 12, groups: int = 1) -> Traffic:
    """All verdicts; a duplicate, a conflict, a dead letter, a hole, a late one; labels of all kinds."""
    world = Traffic(groups)
    amounts = [500, 20_000, 200_000]
    world.send(
        *(
            transaction(f"tx-{n:02}", day=n, customer_id=f"c-{n % 4}", amount_minor=amounts[n % 3])
            for n in range(count)
        )
    )
    world.send(b"{oops", transaction("tx-00", amount_minor=500, customer_id="c-0"), transaction("tx-01"))
    world.leave_hole()
    world.send(transaction("new", day=70, customer_id="c-9"), transaction("late", customer_id="c-9"))
    world.send(transaction("other", terminal_id="t-2"), partition=1)
    world.label(label("new"), label("late"), label("other"), label("other", version=2, label="genuine"))
    world.label(label("unknown"), label("new"), b"{oops", partition=1)
    return world


def test_a_clean_set_has_no_findings_and_everything_was_looked_at() -> None:
    report = traffic().reconcile()
    assert report["findings"] == 0
    assert report["reconciled_ratio"] == 1.0
    assert {name: check["checked"] for name, check in report["checks"].items()} == {
        "rows": 12 + 3 + 2 + 1,
        "labels": 4 + 3,
        "conservation": 4,
        "alerts": 8,
        "dead_letters": 2,
        "answers": 0,
        "rest": 0,
        "histories": 5 + 2,
        "positions": 4,
    }


def test_what_the_records_have_become_is_told_by_partition() -> None:
    told = {(each["topic"], each["partition"]): each for each in traffic().reconcile()["partitions"]}
    shown = ("start", "stop", "records", "own", "repeated", "conflicts", "parked", "dead", "wrong")
    assert {place: tuple(each[name] for name in shown) for place, each in told.items()} == {
        ("transactions", 0): (0, 18, 17, 14, 2, 1, 0, 1, 0),
        ("transactions", 1): (0, 1, 1, 1, 0, 0, 0, 0, 0),
        ("labels", 0): (0, 4, 4, 4, 0, 0, 0, 0, 0),
        ("labels", 1): (0, 3, 3, 0, 1, 0, 1, 1, 0),
    }
    assert told["transactions", 0]["ledger"] == {"recorded": 14, "dead_letters": 1}


def test_where_everybody_stands_is_told() -> None:
    first, *_ = traffic().reconcile()["positions"]
    assert first == {
        "name": "transactions/0",
        "committed": 18,
        "watermarks": {0: 18},
        "progress": 18,
        "first": 0,
        "last": 18,
        "committed_after": 18,
    }


def test_empty_stores_are_clean() -> None:
    report = Traffic().reconcile()
    assert (report["findings"], report["reconciled_ratio"]) == (0, 1.0)
    assert {name: check["findings"] for name, check in report["checks"].items()} == dict.fromkeys(CHECKS, 0)


def test_what_is_not_committed_yet_is_not_missed_but_not_proven_either() -> None:
    """A worker was cut off between the ledger and Kafka: offsets and alerts are still to come."""
    world = traffic()
    offsets, alerts = dict(world.outbox.offsets), len(world.alerts)
    world.send(transaction("tx-98", amount_minor=200_000, day=20), b"{oops")
    world.outbox.offsets.update(offsets)
    del world.alerts[alerts:], world.letters[-1:]
    report = world.reconcile()
    assert report["findings"] == 0
    assert report["reconciled_ratio"] == 25 / 27


def test_what_nobody_has_handled_yet_is_not_missed() -> None:
    world = traffic()
    world.produce(transaction("a"), b"{oops")
    world.produce(label("a"), topic="labels", partition=1)
    assert world.reconcile()["findings"] == 0


def test_a_range_is_told_and_only_its_records_are_looked_at() -> None:
    world = traffic()
    report = world.reconcile(Range(moment(3), moment(9)))
    assert (report["since"], report["until"]) == (moment(3).isoformat(), moment(9).isoformat())
    assert {name: check["checked"] for name, check in report["checks"].items() if name != "alerts"} == {
        "rows": 6,
        "labels": 1,
        "conservation": 4,
        "dead_letters": 2,
        "answers": 0,
        "rest": 0,
        "histories": 4 + 2,
        "positions": 4,
    }
    assert report["reconciled_ratio"] == 1.0


def test_damage_outside_the_range_is_not_found_and_inside_it_is() -> None:
    world = traffic()
    del world.ledger.rows["tx-06"]
    assert world.found("rows", Range(since=moment(7))) == []
    assert world.found("rows", Range(until=moment(6))) == []
    assert world.found("rows", Range(moment(6), moment(7))) == [
        "transaction transactions/0/6 (tx-06) has no row"
    ]


@pytest.mark.parametrize("within", [Range(until=moment(0)), Range(since=moment(99))], ids=["before", "after"])
def test_a_range_without_records_is_clean(within: Range) -> None:
    report = traffic().reconcile(within)
    assert (report["findings"], report["reconciled_ratio"]) == (0, 1.0)


def test_all_findings_are_counted_and_the_first_are_named_in_order() -> None:
    world = traffic(count=30)
    for n in range(20):
        del world.ledger.rows[f"tx-{n:02}"]
    check = world.reconcile()["checks"]["rows"]
    assert check["findings"] == 20 + 2  # the duplicates have lost what they repeat
    assert len(check["first"]) == SHOWN
    assert check["first"][0] == "transaction transactions/0/0 (tx-00) has no row"
    assert check["first"][-1] == "transaction transactions/0/9 (tx-09) has no row"


def test_findings_of_all_checks_are_added_up_and_what_they_are_of_is_not_proven() -> None:
    world = traffic()
    world.alerts.append(world.ledger.rows["tx-03"].decided)
    world.logs["transactions"].partitions[0][6] = encoded(transaction("stranger"))
    report = world.reconcile()
    assert world.findings() == {"rows": 1, "alerts": 1}
    assert report["findings"] == 2
    assert report["reconciled_ratio"] == 23 / 25


@pytest.mark.parametrize(
    ("away", "error"), [("log", KafkaUnavailable), ("ledger", LedgerUnavailable), ("view", ViewUnavailable)]
)
def test_a_store_that_is_away_is_no_finding(away: str, error: type[Unavailable]) -> None:
    world = traffic()
    stores = world.stores()
    getattr(stores, away).reachable = False
    with pytest.raises(error):
        world.outcome(stores=stores)


def test_rows_that_are_not_looked_at_are_counted() -> None:
    world = traffic()
    world.expired = {("transactions", 0): 9}
    decided_by_rest(world, "by-rest")
    world.ledger.rows["other"].owner = ("earlier-id", 0, 7)
    world.ledger.next_offsets[Partition("earlier-id", 0)] = 8
    told = world.reconcile()
    assert told["elsewhere"] == {"unclaimed": 1, "expired": 9, "other_topics": 1}


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 2), st.sampled_from([0, 1, 5, 40, 70])), max_size=12
    ),
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 2), st.sampled_from(["fraud", "genuine"])), max_size=6
    ),
    st.integers(1, 3),
    st.sampled_from([2, 4096]),
    st.integers(1, 4096),
)
def test_whatever_was_sent_in_whatever_order_reconciles(
    sent: list[tuple[int, int, int]],
    labels: list[tuple[int, int, str]],
    groups: int,
    exact_events: int,
    piece_records: int,
) -> None:
    world = Traffic(groups, Retention(exact_events=exact_events))
    world.books.piece_records = piece_records
    for number, who, day in sent:
        document = transaction(
            f"tx-{number}", customer_id=f"c-{who}", day=day + number / 24, amount_minor=number * 40_000
        )
        world.send(document, partition=who % 2)
    for number, version, verdict in labels:
        world.label(label(f"tx-{number}", version=version, label=verdict), partition=number % 2)
    report = world.reconcile()
    assert (report["findings"], report["reconciled_ratio"]) == (0, 1.0)
