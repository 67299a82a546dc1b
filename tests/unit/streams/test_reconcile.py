"""A clean set of stores has no findings, and each kind of damage is found and named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import alert_id_of
from models.history import Retention
from streams.codecs import TransactionCodec
from streams.reconcile import SHOWN
from streams.topics import Partition
from tests.builders import encoded, label, transaction
from tests.unit.streams.reconciled import Traffic

CLEAN = {"checked": 0, "findings": 0, "first": []}


def traffic(count: int = 12) -> Traffic:
    """Approved, reviewed and declined; a duplicate, a conflict, a dead letter, a late one; labels."""
    world = Traffic()
    amounts = [500, 20_000, 200_000]
    world.send(
        *(
            transaction(f"tx-{n:02}", day=n, customer_id=f"c-{n % 4}", amount_minor=amounts[n % 3])
            for n in range(count)
        )
    )
    world.send(b"{oops", transaction("tx-00", amount_minor=500, customer_id="c-0"), transaction("tx-01"))
    world.send(transaction("new", day=70, customer_id="c-9"), transaction("late", customer_id="c-9"))
    world.send(transaction("other", terminal_id="t-2"), partition=1)
    world.worker.label(
        label("new"),
        label("late"),
        label("other"),
        label("other", version=2, label="genuine"),
        label("unknown"),
    )
    return world


def test_a_clean_set_has_no_findings_and_everything_was_looked_at() -> None:
    world = traffic()
    report = world.reconcile()
    assert report["findings"] == 0
    assert {name: check["checked"] for name, check in report["checks"].items()} == {
        "rows": 15,
        "alerts": 8,
        "histories": 5 + 2,
    }


def test_empty_stores_are_clean() -> None:
    assert Traffic().reconcile() == {
        "findings": 0,
        "checks": dict.fromkeys(["rows", "alerts", "histories"], CLEAN),
    }


def test_a_missing_row_is_found() -> None:
    world = traffic()
    del world.ledger.rows["tx-06"]
    assert world.found("rows") == ["transaction tx-06 is below the committed offsets and has no row"]


def test_a_row_of_a_transaction_that_nobody_sent_is_found() -> None:
    world = traffic()
    world.log.partitions[0][6] = encoded(transaction("stranger"))
    assert world.found("rows") == [
        "transaction stranger is below the committed offsets and has no row",
        "row tx-06 has no transaction in the log",
    ]


def test_a_row_whose_record_has_expired_is_none_of_those() -> None:
    world = traffic()
    world.first = {("transactions", 0): 9}
    assert world.reconcile()["findings"] == 0


def test_a_doubled_alert_is_found() -> None:
    world = traffic()
    world.outbox.alerts.append(world.outbox.alerts[2])
    alert = alert_id_of(world.outbox.alerts[2].transaction_id)
    assert world.found("alerts") == [f"alert {alert} is there 2 times"]


@pytest.mark.parametrize(("name", "verdict"), [("tx-01", "review"), ("tx-02", "decline")])
def test_a_missing_alert_is_found(name: str, verdict: str) -> None:
    world = traffic()
    world.outbox.alerts[:] = [alert for alert in world.outbox.alerts if alert.transaction_id != name]
    assert world.found("alerts") == [f"the {verdict} of {name} has no alert"]


def test_an_alert_for_what_was_approved_is_found() -> None:
    world = traffic()
    world.outbox.alerts.append(world.ledger.rows["tx-03"].decided)
    assert world.found("alerts") == [f"alert {alert_id_of('tx-03')} has no review or decline in the ledger"]


def test_an_alert_for_nothing_is_found() -> None:
    world = traffic()
    strangers = Traffic()
    strangers.send(transaction("stranger", amount_minor=20_000))
    world.outbox.alerts.extend(strangers.outbox.alerts)
    assert world.found("alerts") == [
        f"alert {alert_id_of('stranger')} has no review or decline in the ledger"
    ]


@pytest.mark.parametrize("damage", ["a record less", "a record twice", "another amount", "nothing left"])
def test_a_history_that_differs_is_found(damage: str) -> None:
    world = traffic()
    group = world.view.state[0]
    key = (group.view or "", "customer", "c-2")
    raw = group.histories[key]  # type: ignore[index]
    amount = bytes([raw[4] ^ 0x10])
    damaged = {
        "a record less": raw[12:],
        "a record twice": raw + raw[:12],
        "another amount": raw[:4] + amount + raw[5:],
        "nothing left": b"",
    }
    group.histories[key] = damaged[damage]  # type: ignore[index]
    assert world.found("histories") == ["the history of customer c-2 is not what the ledger gives"]


def test_a_history_that_is_not_there_is_found() -> None:
    world = traffic()
    del world.view.state[0].histories[world.view.state[0].view or "", "terminal", "t-2"]
    assert world.found("histories") == ["the history of terminal t-2 is not what the ledger gives"]


def test_a_history_of_somebody_the_ledger_does_not_know_is_found() -> None:
    world = traffic()
    group = world.view.state[0]
    group.histories[group.view or "", "customer", "ghost"] = next(iter(group.histories.values()))
    assert world.found("histories") == ["the history of customer ghost is not what the ledger gives"]


def test_a_label_that_left_no_mark_is_found() -> None:
    world = traffic()
    del world.ledger.labels["new", 1]
    assert world.found("histories") == ["the history of terminal t-1 is not what the ledger gives"]


def test_all_findings_are_counted_and_the_first_are_named_in_order() -> None:
    world = traffic(count=30)
    for n in range(20):
        del world.ledger.rows[f"tx-{n:02}"]
    check = world.reconcile()["checks"]["rows"]
    assert check["findings"] == 20
    assert len(check["first"]) == SHOWN
    assert check["first"][0].startswith("transaction tx-00 ")
    assert check["first"][-1].startswith("transaction tx-09 ")


def test_findings_of_all_checks_are_added_up() -> None:
    world = traffic()
    world.outbox.alerts.append(world.ledger.rows["tx-03"].decided)
    world.log.partitions[0][6] = encoded(transaction("stranger"))
    assert world.reconcile()["findings"] == 3


def test_what_is_not_committed_yet_is_not_missed() -> None:
    """A worker was cut off between the ledger and Kafka: offsets and alerts are still to come."""
    world = traffic()
    offsets, alerts = dict(world.outbox.offsets), len(world.outbox.alerts)
    world.send(transaction("tx-99", amount_minor=200_000, day=20))
    world.outbox.offsets.update(offsets)
    del world.outbox.alerts[alerts:]
    assert world.reconcile()["findings"] == 0


def test_what_the_view_has_not_applied_yet_is_not_missed() -> None:
    """A worker was cut off between the ledger and Redis: the watermark tells."""
    world = traffic()
    group = world.view.state[0]
    before = dict(group.histories), dict(group.watermarks)
    world.send(transaction("tx-99", day=20))
    group.histories, group.watermarks = before
    assert world.reconcile()["findings"] == 0


def test_a_decision_of_rest_waits_for_its_record_without_being_missed() -> None:
    world = traffic()
    other = Traffic()
    other.send(transaction("by-rest", amount_minor=20_000))
    row = other.ledger.rows["by-rest"]
    row.owner = None
    world.ledger.rows["by-rest"] = row
    assert world.reconcile()["findings"] == 0


def test_rows_of_a_topic_that_was_made_again_are_not_looked_for_in_the_new_one() -> None:
    world = traffic()
    for row in world.ledger.rows.values():
        assert row.owner is not None
        row.owner = ("earlier-id", *row.owner[1:])
    marks = world.view.state[0].watermarks
    world.view.state[0].watermarks = {
        (view, Partition(place.topic_id.replace("transactions", "earlier"), place.number)): at
        for (view, place), at in marks.items()
    }
    world.ledger.next_offsets |= {Partition("earlier-id", n): 99 for n in (0, 1)}
    world.log.partitions = {0: [], 1: []}
    world.outbox.offsets.clear()
    assert world.reconcile()["findings"] == 0


def test_a_record_that_was_set_aside_stays_so_though_today_it_would_be_taken() -> None:
    """Verdicts stand: the ledger has recorded it as dead, so it needs no row."""
    world = Traffic()
    world.send(transaction("a"), transaction("in-dollars", currency="USD"))
    world.codec = TransactionCodec("USD", 300_000)
    world.first = {("transactions", 0): 1}
    assert [dead.reason for dead in world.outbox.dead] == ["currency"]
    assert world.reconcile()["findings"] == 0


def test_a_decision_stands_though_today_its_record_would_be_refused() -> None:
    world = Traffic()
    world.send(transaction("a"), transaction("b"))
    world.codec = TransactionCodec("USD", 300_000)
    assert world.reconcile()["findings"] == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 2), st.sampled_from([0, 1, 5, 40, 70])), max_size=12
    ),
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 2), st.sampled_from(["fraud", "genuine"])), max_size=6
    ),
    st.integers(1, 3),
    st.sampled_from([2, 4096]),
)
def test_whatever_was_sent_in_whatever_order_reconciles(
    sent: list[tuple[int, int, int]], labels: list[tuple[int, int, str]], groups: int, exact_events: int
) -> None:
    world = Traffic(groups, Retention(exact_events=exact_events))
    for number, who, day in sent:
        document = transaction(
            f"tx-{number}", customer_id=f"c-{who}", day=day + number / 24, amount_minor=number * 40_000
        )
        world.send(document, partition=who)
    for number, version, verdict in labels:
        world.worker.label(label(f"tx-{number}", version=version, label=verdict))
    assert world.reconcile()["findings"] == 0
