"""What a sweep of transactions leaves behind, whatever happens on its way."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.doubles import FakeLedger, FakeOutbox, FakeView, Group, Row
from models.errors import FraudError, LedgerUnavailable, ProgressMoved, ViewAheadOfLedger
from models.features import FEATURE_NAMES
from models.history import EVENT, Retention, pack
from streams.ports import GroupState
from streams.topics import Partition
from tests.builders import NOON_MS, Log, Worker, continued, sweep_of, transaction


def history(*days_and_amounts: tuple[float, int]) -> bytes:
    """A customer's history of transactions on these days."""
    times = np.array([NOON_MS // 1000 + round(day * 86_400) for day, _ in days_and_amounts], np.int64)
    packed = pack(times, np.array([amount for _, amount in days_and_amounts], np.int64), EVENT)
    return b"".join(sorted(packed[i : i + 1].tobytes() for i in range(len(packed))))


def test_each_transaction_gets_one_row_and_enters_its_histories() -> None:
    worker = Worker()
    worker.decide(transaction("a", amount_minor=500), transaction("b", amount_minor=20_000, day=1))
    assert worker.verdicts() == {"a": "approve", "b": "review"}
    assert worker.histories() == {
        ("customer", "c-1"): history((0, 500), (1, 20_000)),
        ("terminal", "t-1"): history((0, 0), (1, 0)),
    }
    assert worker.outbox.offsets == {("transactions", 0): 2}


def test_only_reviews_and_declines_become_alerts() -> None:
    worker = Worker()
    worker.decide(
        *(
            transaction(name, amount_minor=amount)
            for name, amount in [("low", 1), ("middle", 10_000), ("high", 100_000)]
        )
    )
    assert [(alert.transaction_id, alert.decision) for alert in worker.outbox.alerts] == [
        ("middle", "review"),
        ("high", "decline"),
    ]


def test_a_row_tells_who_decided_it_on_what() -> None:
    worker = Worker()
    worker.decide(transaction("a", amount_minor=500, attributes={"channel": "web", "risk": 1}))
    row = worker.ledger.rows["a"]
    assert (row.decided.model_name, row.decided.model_version) == ("FraudDetection_XGBoost", "7")
    assert (row.decided.variant, row.decided.policy_version, row.decided.ab_version) == (
        "champion",
        "test-1",
        "ab-1",
    )
    assert row.decided.attributes == {"channel": "web", "risk": 1}
    assert row.features[FEATURE_NAMES.index("customer_tx_count_1d")] == 1


def test_records_that_come_again_change_nothing_and_repeat_their_alerts() -> None:
    worker = Worker()
    sweep = sweep_of(transaction("a"), transaction("b", amount_minor=20_000))
    worker.handle(sweep)
    before = worker.histories()
    again = worker.restarted(outbox=FakeOutbox(), predict=lambda rows: np.full(len(rows), 0.99))
    again.handle(sweep)
    assert again.verdicts() == {"a": "approve", "b": "review"}
    assert again.histories() == before
    assert [alert.transaction_id for alert in again.outbox.alerts] == ["b"]


def test_the_same_id_again_counts_once_and_the_first_decision_stands() -> None:
    worker = Worker()
    worker.decide(transaction("a", amount_minor=500), transaction("a", amount_minor=500))
    worker.decide(transaction("a", amount_minor=500), transaction("b", amount_minor=700))
    assert worker.histories()["customer", "c-1"] == history((0, 500), (0, 700))
    assert worker.ledger.rows["b"].features[FEATURE_NAMES.index("customer_tx_count_1d")] == 2
    assert worker.metric("fraud_duplicates_total", kind="duplicate") == 2
    assert worker.metric("fraud_duplicates_total", kind="conflict") == 0


def test_the_same_id_with_another_body_is_a_conflict_and_the_first_body_stands() -> None:
    worker = Worker()
    worker.decide(transaction("a", amount_minor=500), transaction("a", amount_minor=999_999))
    worker.decide(transaction("a", amount_minor=999_999))
    assert worker.verdicts() == {"a": "approve"}
    assert worker.histories()["customer", "c-1"] == history((0, 500))
    assert worker.metric("fraud_duplicates_total", kind="conflict") == 2


def test_what_can_never_be_used_is_set_aside_with_its_bytes_and_the_next_record_is_untouched() -> None:
    worker = Worker()
    worker.decide(b"{oops", transaction("a"), b"\xff\xfe")
    assert [(dead.offset, dead.value, dead.reason) for dead in worker.outbox.dead] == [
        (0, b"{oops", "not_json"),
        (2, b"\xff\xfe", "not_json"),
    ]
    assert worker.verdicts() == {"a": "approve"}
    assert worker.ledger.dead["transactions-id", 0, 0][0] == "not_json"
    assert worker.ledger.progress("transactions-id", [0]) == {0: 3}


def test_a_dead_letter_stays_one_when_a_newer_decoder_would_take_it() -> None:
    worker = Worker()
    worker.decide(b"{oops")
    again = worker.restarted(outbox=FakeOutbox())
    again.handle(sweep_of(transaction("a")))
    assert again.verdicts() == {}
    assert [dead.reason for dead in again.outbox.dead] == ["not_json"]


def test_a_decision_stays_one_when_a_newer_decoder_would_refuse_it() -> None:
    worker = Worker()
    worker.decide(transaction("a", amount_minor=20_000))
    again = worker.restarted(outbox=FakeOutbox())
    again.handle(sweep_of(b"{oops"))
    assert [alert.transaction_id for alert in again.outbox.alerts] == ["a"]
    assert again.outbox.dead == []


def test_a_late_transaction_is_decided_marked_and_left_out_of_the_histories() -> None:
    worker = Worker()
    worker.decide(transaction("new", day=60), transaction("old", day=0))
    assert worker.ledger.rows["old"].decided.late
    assert worker.histories()["customer", "c-1"] == history((60, 1999))
    wiped = worker.restarted(view=FakeView())
    wiped.keeper.heal()
    assert wiped.histories()["customer", "c-1"] == history((60, 1999))


def test_a_decision_made_by_rest_is_claimed_by_its_record_and_alerted_once() -> None:
    worker = Worker()
    made_by_rest(worker, transaction("a", amount_minor=20_000))
    worker.decide(transaction("a", amount_minor=20_000), transaction("b", amount_minor=500))
    assert worker.ledger.rows["a"].owner == ("transactions-id", 0, 0)
    assert worker.ledger.rows["a"].decided.path == "rest"
    assert [alert.transaction_id for alert in worker.outbox.alerts] == ["a"]
    assert worker.histories()["customer", "c-1"] == history((0, 500), (0, 20_000))
    assert worker.ledger.rows["b"].features[FEATURE_NAMES.index("customer_tx_count_1d")] == 2


def test_a_record_with_another_body_does_not_claim_a_decision_made_by_rest() -> None:
    worker = Worker()
    made_by_rest(worker, transaction("a", amount_minor=20_000))
    worker.decide(transaction("a", amount_minor=20_001))
    assert worker.ledger.rows["a"].owner is None
    assert worker.histories() == {}
    assert worker.metric("fraud_duplicates_total", kind="conflict") == 1


def made_by_rest(worker: Worker, document: dict[str, Any]) -> None:
    """Put a decision into the ledger as the gateway will: without an owner."""
    import msgspec

    other = Worker()
    other.decide(document)
    row = other.ledger.rows[document["transaction_id"]]
    decided = msgspec.structs.replace(row.decided, path="rest")
    worker.ledger.rows[document["transaction_id"]] = Row(decided, None, row.features)


def test_a_sweep_built_on_old_progress_is_refused_and_leaves_nothing() -> None:
    worker = Worker()
    worker.decide(transaction("a"))
    rival = worker.restarted()
    rival.decide(transaction("b"))
    with pytest.raises(ProgressMoved):
        worker.handle(continued(FakeLedger(next_offsets=progress(1)), "transactions", [transaction("c")]))
    assert set(worker.verdicts()) == {"a", "b"}


def progress(offset: int) -> dict[Partition, int]:
    return {Partition("transactions-id", 0): offset}


def test_a_view_that_lost_everything_is_healed_before_it_is_used() -> None:
    worker = Worker()
    worker.decide(transaction("a"), transaction("b"))
    worker.view.state = [Group()]
    worker.decide(transaction("c"))
    assert worker.ledger.rows["c"].features[FEATURE_NAMES.index("customer_tx_count_1d")] == 3
    assert worker.histories()["customer", "c-1"] == history((0, 1999), (0, 1999), (0, 1999))


def test_a_new_connection_is_healed_even_where_the_own_watermark_looks_right() -> None:
    """Redis came back without another worker's last sweep: only the ledger knows."""
    worker, rival = Worker(), None
    worker.decide(transaction("a"))
    rival = worker.restarted()
    lost = dict(worker.view.state[0].histories), dict(worker.view.state[0].watermarks)
    log = Log()
    log.produce(transaction("b"), partition=1)
    rival.handle(log.sweep())
    worker.view.state[0].histories, worker.view.state[0].watermarks = lost
    worker.view.reconnect()
    worker.decide(transaction("c"))
    assert worker.ledger.rows["c"].features[FEATURE_NAMES.index("customer_tx_count_1d")] == 3


def test_another_ledger_makes_a_view_of_its_own() -> None:
    worker = Worker()
    worker.decide(transaction("a"))
    restored = Worker(FakeLedger(ledger_id="ledger-2"), worker.view, FakeOutbox())
    restored.decide(transaction("b"))
    assert restored.histories()["customer", "c-1"] == history((0, 1999))
    assert restored.view.state[0].view.startswith("ledger-2:")


def test_a_view_ahead_of_the_ledger_stops_the_worker() -> None:
    worker = Worker()
    worker.decide(transaction("a"))
    worker.ledger.next_offsets = progress(0)
    with pytest.raises(ViewAheadOfLedger):
        worker.restarted().handle(sweep_of(transaction("a")))


def test_state_groups_hold_the_same_histories_between_them() -> None:
    documents = [transaction(f"tx-{n}", customer_id=f"c-{n}", terminal_id=f"t-{n % 3}") for n in range(20)]
    one, many = Worker(), Worker(view=FakeView(groups=4))
    one.decide(*documents)
    many.decide(*documents)
    assert one.histories() == many.histories()
    assert sum(1 for group in many.view.state if group.histories) > 1


def test_an_overgrown_history_is_rewritten_smaller() -> None:
    worker = Worker()
    worker.decide(*(transaction(f"old-{n}", day=n / 10) for n in range(40)))
    worker.decide(transaction("new", day=60))
    worker.decide(transaction("newer", day=60))
    assert worker.histories()["customer", "c-1"] == history((60, 1999), (60, 1999))


class Failing:
    """A neighbour that fails once, before or after its nth call has taken effect."""

    def __init__(self, inner: Any, countdown: "Countdown") -> None:
        self._inner = inner
        self._countdown = countdown

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if not callable(attribute):
            return attribute

        def call(*values: Any, **named: Any) -> Any:
            self._countdown.tick(name)
            answer = attribute(*values, **named)
            self._countdown.tick(name)
            return answer

        return call


class Countdown:
    def __init__(self, steps: int) -> None:
        self.left = steps
        self.at = ""

    def tick(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.at = name
            raise LedgerUnavailable("cut off here")


DOCUMENTS = [
    transaction("a", amount_minor=20_000),
    b"{oops",
    transaction("b", customer_id="c-2", day=1),
    transaction("a", amount_minor=20_000),
    transaction("c", amount_minor=200_000, day=2),
]


def undisturbed() -> Worker:
    worker = Worker()
    worker.handle(sweep_of(*DOCUMENTS[:2]))
    worker.decide(*DOCUMENTS[2:])
    return worker


@pytest.mark.parametrize("restart", [True, False], ids=["after a restart", "by a retry"])
@pytest.mark.parametrize("steps", range(1, 40))
def test_a_cut_at_any_step_is_made_good(steps: int, restart: bool) -> None:
    countdown = Countdown(steps)
    ledger, view, outbox = FakeLedger(), FakeView(), FakeOutbox()
    cut = Worker(Failing(ledger, countdown), Failing(view, countdown), Failing(outbox, countdown))
    sweeps = [
        sweep_of(*DOCUMENTS[:2]),
        continued(FakeLedger(next_offsets=progress(2)), "transactions", DOCUMENTS[2:]),
    ]
    for sweep in sweeps:
        try:
            cut.handle(sweep)
        except FraudError:
            cut = Worker(ledger, view, outbox) if restart else cut
            cut.handle(sweep)
    expected = undisturbed()
    healthy = Worker(ledger, view, outbox)
    healthy.keeper.heal()
    assert healthy.verdicts() == expected.verdicts()
    assert healthy.histories() == expected.histories()
    for name, row in ledger.rows.items():
        assert row.features.tolist() == expected.ledger.rows[name].features.tolist()
    assert {alert.transaction_id for alert in outbox.alerts} == {"a", "c"}
    assert outbox.offsets == {("transactions", 0): len(DOCUMENTS)}


@given(st.lists(st.integers(0, 11), max_size=6))
def test_any_split_into_sweeps_decides_the_same(cuts: list[int]) -> None:
    documents = [
        transaction(f"tx-{n % 10}", day=n / 2, customer_id=f"c-{n % 3}", amount_minor=n * 3_000)
        for n in range(12)
    ]
    whole, parts = Worker(), Worker()
    whole.decide(*documents)
    edges = sorted({0, *cuts, len(documents)})
    for start, stop in pairwise(edges):
        parts.decide(*documents[start:stop])
    assert parts.verdicts() == whole.verdicts()
    assert parts.histories() == whole.histories()
    for name, row in whole.ledger.rows.items():
        assert parts.ledger.rows[name].features.tolist() == row.features.tolist()


def test_a_read_that_mixes_two_views_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The view was begun anew between the healing and the read: the histories read are of the old one."""
    worker = Worker()
    worker.decide(transaction("a"))
    read: Callable[..., Any] = worker.view.read
    moved: list[int] = []

    def read_once_moved(*values: Any) -> Any:
        if not moved and values[2]:
            moved.append(1)
            worker.view.state = [Group(view="ledger-1:other")]
        return read(*values)

    monkeypatch.setattr(worker.view, "read", read_once_moved)
    worker.decide(transaction("b"))
    assert worker.ledger.rows["b"].features[FEATURE_NAMES.index("customer_tx_count_1d")] == 2
    assert isinstance(worker.view.read({}, [], {}).groups[0], GroupState)


def test_retention_is_an_argument_not_a_constant() -> None:
    documents = [transaction(f"tx-{n}", day=n * 0.02) for n in range(6)]
    exact, tiled = Worker(), Worker(retention=Retention(exact_events=2))
    exact.decide(*documents)
    tiled.decide(*documents)
    assert exact.verdicts() == tiled.verdicts()
