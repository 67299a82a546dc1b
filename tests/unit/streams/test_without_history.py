"""While histories are made anew a worker may go on deciding: it says so, and loses nothing by it."""

from typing import Any

import numpy as np
import pytest

from load.doubles import FakeOutbox, FakeView
from models.decision import NO_HISTORY
from models.features import FEATURE_NAMES
from tests.builders import Worker, continued, label, transaction

SEEN_7D = FEATURE_NAMES.index("customer_tx_count_7d")
CHUNK = 3


class Hurried:
    """A worker that decides without a view that lacks over three offsets. asked: how often to heal it."""

    def __init__(self, view: FakeView | None = None) -> None:
        self.asked = 0
        self.worker = Worker(view=view, heal_apart=self._ask, chunk_rows=CHUNK)

    def _ask(self) -> None:
        self.asked += 1

    def heal(self) -> None:
        """As the healer does, beside the worker."""
        self.worker.restarted().keeper.heal()

    def reason(self, name: str) -> str | None:
        reason: str | None = self.worker.ledger.rows[name].decided.degraded_reason
        return reason

    def seen_7d(self, name: str) -> float:
        return float(self.worker.ledger.rows[name].features[SEEN_7D])


@pytest.fixture
def hurried() -> Hurried:
    """Five decisions old, and Redis has just come back empty."""
    found = Hurried()
    found.worker.decide(*(transaction(f"old-{n}", day=n / 10) for n in range(5)))
    lose(found.worker)
    return found


def lose(worker: Worker) -> None:
    worker.view.state = FakeView().state
    worker.view.reconnect()


def test_a_decision_without_histories_says_so_on_its_row_and_its_alert(hurried: Hurried) -> None:
    hurried.worker.decide(transaction("a", day=1, amount_minor=200_000))
    assert hurried.reason("a") == NO_HISTORY == "no_history"
    assert [alert.degraded_reason for alert in hurried.worker.outbox.alerts] == ["no_history"]
    assert hurried.worker.metric("fraud_degraded_decisions_total", reason="no_history") == 1


def test_it_is_made_as_if_nobody_had_met_the_customer_and_heals_nothing_itself(hurried: Hurried) -> None:
    hurried.worker.decide(transaction("a", day=1), transaction("b", day=1.1))
    assert (hurried.seen_7d("a"), hurried.seen_7d("b")) == (1, 2)
    assert hurried.asked > 0
    assert hurried.worker.view.state[0].histories == {}


def test_once_healed_decisions_are_whole_again_and_count_those_made_meanwhile(hurried: Hurried) -> None:
    hurried.worker.decide(transaction("a", day=1))
    hurried.heal()
    hurried.worker.decide(transaction("b", day=1.1))
    assert hurried.reason("b") is None
    assert hurried.seen_7d("b") == 5 + 1 + 1


def test_the_view_is_then_as_if_nothing_had_been_lost(hurried: Hurried) -> None:
    hurried.worker.decide(transaction("a", day=1))
    hurried.heal()
    undisturbed = Worker()
    undisturbed.decide(*(transaction(f"old-{n}", day=n / 10) for n in range(5)), transaction("a", day=1))
    assert hurried.worker.histories() == undisturbed.histories()


def test_a_view_that_lacks_little_is_healed_at_once() -> None:
    hurried = Hurried()
    hurried.worker.decide(*(transaction(f"old-{n}", day=n / 10) for n in range(CHUNK)))
    lose(hurried.worker)
    hurried.worker.decide(transaction("a", day=1))
    assert (hurried.reason("a"), hurried.asked) == (None, 0)
    assert hurried.seen_7d("a") == CHUNK + 1


def test_a_view_that_is_lost_between_reading_and_applying_stops_nobody() -> None:
    hurried = Hurried(LosesAtApply())
    hurried.worker.decide(*(transaction(f"old-{n}", day=n / 10) for n in range(5)))
    assert hurried.asked == 1
    hurried.heal()
    assert len(hurried.worker.histories()) == 2


class LosesAtApply(FakeView):
    """Redis comes back empty in the midst of a sweep, once."""

    def apply(self, change: Any) -> Any:
        if self.connections == 1:
            self.state = FakeView().state
            self.reconnect()
        return super().apply(change)


def test_labels_are_taken_meanwhile_and_marked_when_the_view_is_whole(hurried: Hurried) -> None:
    hurried.worker.label(label("old-0"))
    assert hurried.worker.view.state[0].histories == {}
    hurried.heal()
    hurried.worker.decide(transaction("b", day=8))
    features = hurried.worker.ledger.rows["b"].features
    assert features[FEATURE_NAMES.index("terminal_fraud_share_7d")] == pytest.approx(1 / 5)


def test_records_that_come_again_meanwhile_get_their_alerts(hurried: Hurried) -> None:
    sweep = continued(hurried.worker.ledger, "transactions", [transaction("a", amount_minor=200_000)])
    hurried.worker.handle(sweep)
    again = hurried.worker.restarted(outbox=FakeOutbox(), heal_apart=lambda: None, chunk_rows=CHUNK)
    again.handle(sweep)
    assert again.outbox.alerts == hurried.worker.outbox.alerts


def test_a_worker_that_was_not_told_so_waits_until_the_view_is_whole() -> None:
    worker = Worker(chunk_rows=CHUNK)
    worker.decide(*(transaction(f"old-{n}", day=n / 10) for n in range(5)))
    lose(worker)
    worker.decide(transaction("a", day=1))
    row = worker.ledger.rows["a"]
    assert row.decided.degraded_reason is None
    assert np.asarray(row.features)[SEEN_7D] == 6
