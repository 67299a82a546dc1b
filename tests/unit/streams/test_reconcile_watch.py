"""The background check: each look goes on where the last clean one ended, and knows what that has seen."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from models.errors import LedgerUnavailable
from streams.reconcile.metrics import ReconcileMetrics
from streams.reconcile.outcome import Outcome
from streams.reconcile.positions import Standings
from streams.reconcile.range import Range
from streams.reconcile.reconciliation import Histories
from streams.reconcile.watch import Pace, Watch
from tests.builders import label, transaction
from tests.unit.streams.reconciled import Traffic, moment


class Watched:
    """A watch over some traffic, with a clock that stands still until it is told."""

    def __init__(self, world: Traffic | None = None, since: datetime | None = None) -> None:
        self.world = world or Traffic()
        self.registry = CollectorRegistry()
        self.now_s = 1000.0
        self.outcomes: list[Outcome] = []
        self.asked: list[Histories] = []
        self.happens: list[Callable[[], None]] = []
        self.kept: list[tuple[int, float]] = []
        self.keeps = True
        self.look_takes_s = 0.0
        self.watch = Watch(
            self.look,
            self.keep,
            ReconcileMetrics(self.registry),
            Pace(60.0, 3600.0),
            since,
            clock=lambda: self.now_s,
            now=lambda: datetime.fromtimestamp(self.now_s, UTC),
            wait=self.wait,
        )

    def look(self, within: Range, histories: Histories, before: Standings) -> Outcome:
        self.asked.append(histories)
        self.outcomes.append(self.world.outcome(within, histories, before))
        self.now_s += self.look_takes_s
        return self.outcomes[-1]

    def keep(self, outcome: Outcome, took_s: float) -> None:
        if not self.keeps:
            raise LedgerUnavailable("Postgres failed")
        self.kept.append((outcome.findings, took_s))

    def wait(self, seconds: float) -> bool:
        """Until nothing more happens."""
        self.now_s += seconds
        if self.happens:
            self.happens.pop(0)()
            return False
        return True

    def checked(self, check: str) -> list[int]:
        """How much each look has looked at."""
        return [outcome.checks[check].checked for outcome in self.outcomes]

    def found(self) -> list[list[str]]:
        return [outcome.first() for outcome in self.outcomes]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def flagged(*names: str) -> list[dict[str, Any]]:
    return [transaction(name, amount_minor=20_000) for name in names]


def test_each_look_sees_what_has_come_since_the_last() -> None:
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b"), b"{oops")
    watched.happens = [
        lambda: world.send(*flagged("c"), b"{oops"),
        lambda: world.label(label("c")),
        lambda: None,
    ]
    watched.watch.run()
    assert watched.found() == [[], [], [], []]
    assert watched.checked("rows") == [3, 2, 0, 0]
    assert watched.checked("labels") == [0, 0, 1, 0]
    assert watched.checked("alerts") == [2, 1, 0, 0]
    assert watched.checked("dead_letters") == [1, 1, 0, 0]


def test_a_look_that_found_something_is_taken_again_until_it_is_mended() -> None:
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b"))
    row = world.ledger.rows.pop("a")

    def mend() -> None:
        world.ledger.rows["a"] = row

    watched.happens = [lambda: world.send(*flagged("c")), mend, lambda: None]
    watched.watch.run()
    assert [bool(found) for found in watched.found()] == [True, True, False, False]
    assert watched.checked("rows") == [2, 3, 3, 0]


def test_a_watch_may_begin_at_a_moment() -> None:
    watched = Watched(since=moment(2))
    watched.world.send(*flagged("a", "b", "c", "d"))
    watched.happens = [lambda: watched.world.send(*flagged("e"))]
    watched.watch.run()
    assert watched.checked("rows") == [2, 1]
    assert watched.found() == [[], []]


# What one look has seen, the next one remembers.


def test_an_alert_that_is_sent_again_later_is_found() -> None:
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b"))
    watched.happens = [lambda: world.alerts.append(world.alerts[0])]
    watched.watch.run()
    assert watched.found() == [[], ["alerts: transaction a has been alerted again"]]


def test_a_dead_letter_that_is_sent_again_later_is_found() -> None:
    watched = Watched()
    world = watched.world
    world.send(b"{oops", b"{oops")
    watched.happens = [lambda: world.letters.append(world.letters[1])]
    watched.watch.run()
    assert watched.found() == [
        [],
        ["dead_letters: the dead letter of transactions/0/1 has been sent again"],
    ]


def test_an_alert_that_was_out_before_its_offset_was_committed_is_the_next_looks() -> None:
    """Kafka shows the parts of a transaction one after the other."""
    watched = Watched()
    world = watched.world
    world.send(*flagged("a"))

    def commit() -> None:
        world.outbox.offsets["transactions", 0] = 2

    offsets = dict(world.outbox.offsets)
    world.send(*flagged("b"))
    world.open["alerts", 0] = 1
    world.outbox.offsets.update(offsets)
    watched.happens = [commit, lambda: world.alerts.append(world.alerts[1])]
    watched.watch.run()
    assert watched.found() == [[], [], ["alerts: transaction b has been alerted again"]]


def test_an_alert_whose_end_was_being_marked_when_a_look_began_is_no_other_one() -> None:
    """It was waited for then, and the next look begins before it."""
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b"))
    world.open["alerts", 0] = 1
    watched.happens = [lambda: None]
    watched.watch.run()
    assert watched.checked("alerts") == [2, 1]
    assert watched.found() == [[], []]


def test_what_was_not_committed_when_the_watch_began_is_not_sent_again() -> None:
    """A worker is behind the moment at which the watch begins."""
    watched = Watched(since=moment(9))
    world = watched.world
    world.produce(*flagged("a", "b"))
    watched.happens = [lambda: world.work("transactions")]
    watched.watch.run()
    assert watched.found() == [[], []]


def test_positions_may_not_go_back_from_look_to_look() -> None:
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b"))

    def go_back() -> None:
        world.outbox.offsets["transactions", 0] = 1

    watched.happens = [go_back]
    watched.watch.run()
    assert watched.found()[1] == ["positions: transactions/0: the committed offset went back from 2 to 1"]


def test_after_a_restore_everything_is_looked_at_again() -> None:
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b"))

    def restore() -> None:
        world.ledger.ledger_id = "restored"
        world.produce(transaction("waits"))

    watched.happens = [restore]
    watched.watch.run()
    assert watched.checked("rows") == [2, 2]
    assert watched.metric("fraud_reconciled_ratio") == 2 / 3


# How often, and what is told.


def test_histories_are_looked_at_first_and_then_once_in_their_own_time() -> None:
    watched = Watched()
    watched.happens = [lambda: None] * 61
    watched.watch.run()
    assert [number for number, which in enumerate(watched.asked) if which == "all"] == [0, 60]


def test_a_store_that_is_away_is_no_finding_and_the_next_look_is_as_good() -> None:
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b"))

    def away() -> None:
        world.ledger.reachable = False

    def back() -> None:
        world.ledger.reachable = True

    watched.happens = [away, lambda: None, back]
    watched.watch.run()
    assert len(watched.outcomes) == 2
    assert watched.found() == [[], []]
    assert watched.metric("fraud_reconcile_failures_total", reason=LedgerUnavailable.code) == 2


def test_any_other_error_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    monkeypatch.setattr(watched.world.books, "strays", lambda most: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        watched.watch.run()


def test_the_share_is_of_all_records_since_the_watch_began() -> None:
    watched = Watched()
    world = watched.world
    world.send(*flagged("a", "b", "c"))
    shares: list[float | None] = []

    def note(*waiting: Any) -> None:
        shares.append(watched.metric("fraud_reconciled_ratio"))
        world.produce(*waiting)

    def note_and_work() -> None:
        note()
        world.work("transactions")

    watched.happens = [lambda: note(transaction("waits")), note_and_work, note]
    watched.watch.run()
    assert shares == [1.0, 3 / 4, 1.0]


def test_before_the_first_look_nothing_is_said_of_the_share() -> None:
    assert math.isnan(Watched().metric("fraud_reconciled_ratio") or 0.0)


def test_findings_are_counted_by_check_and_the_last_look_is_told() -> None:
    watched = Watched()
    watched.world.send(*flagged("a", "b"))
    watched.world.alerts.clear()
    watched.watch.run()
    assert watched.metric("fraud_reconcile_findings_total", check="alerts") == 2
    assert watched.metric("fraud_reconcile_findings_total", check="rows") == 0
    assert watched.metric("fraud_reconcile_last_run_timestamp_seconds") == 1000.0
    assert watched.metric("fraud_reconcile_last_run_duration_seconds") == 0.0
    assert watched.metric("fraud_reconciled_ratio") == 0.0


def test_a_finding_stands_in_the_log_without_the_ids_that_its_words_have() -> None:
    watched = Watched()
    watched.world.send(*flagged("somebodys-payment"))
    watched.world.alerts.clear()
    with capture_logs() as logs:
        watched.watch.run()
    told = [line for line in logs if line["event"] == "reconcile_finds"]
    assert [(line["check"], line["findings"]) for line in told] == [("alerts", 1)]
    assert "somebodys-payment" in watched.found()[0][0]
    assert "somebodys-payment" not in str(logs)


def test_each_look_that_came_to_its_end_is_kept_with_what_it_found_and_how_long_it_took() -> None:
    watched = Watched()
    watched.look_takes_s = 1.5
    world = watched.world
    world.send(*flagged("a", "b"))

    def lose() -> None:
        world.alerts.clear()
        world.send(*flagged("c", "d", "e"))
        world.alerts.clear()

    def away() -> None:
        world.ledger.reachable = False

    watched.happens = [lose, away]
    watched.watch.run()
    assert watched.kept == [(0, 1.5), (3, 1.5)]


def test_a_look_that_cannot_be_kept_ends_nothing() -> None:
    watched = Watched()
    watched.keeps = False
    world = watched.world
    world.send(*flagged("a"))

    def back() -> None:
        watched.keeps = True
        world.send(*flagged("b"))

    watched.happens = [back]
    with capture_logs() as logs:
        watched.watch.run()
    assert watched.checked("rows") == [1, 1]
    assert watched.kept == [(0, 0.0)]
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["round_not_kept"]
