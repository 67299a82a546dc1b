"""A replay: the order it keeps, the disturbance it makes, and that it waits for the workers."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.column_map import read_column_map
from load.columns import DAY_MS, Transactions
from load.replay import STALLED_S, Disturbance, Replay, Sent
from load.shapes import Kind, Shape
from load.transactions_file import read_transactions, write_transactions
from models.errors import Unavailable
from models.features import LABEL_DELAY_S
from tests.unit.load.tables import START_MS, table_of, tables
from tests.unit.load.workers import Place, Workers

DELAY_DAYS = LABEL_DELAY_S * 1000 // DAY_MS


def replay_of(workers: Workers, **fields: Any) -> Replay:
    pusher: Any = workers
    return Replay(
        pusher=pusher,
        applied=workers,
        transactions_topic="transactions",
        labels_topic="labels",
        clock=workers.clock,
        sleep=workers.sleep,
        rng=np.random.default_rng(fields.pop("seed", 1)),
        **fields,
    )


def run(workers: Workers, table: Transactions, **fields: Any) -> Sent:
    return replay_of(workers, **fields).run(table.days())


def days_of(count: int, per_day: int = 4) -> Transactions:
    """So many days from the first of April 2018, each with the same number of transactions."""
    numbers = np.arange(count * per_day)
    return table_of(
        transaction_id=[f"tx{n}" for n in numbers],
        customer_id=[f"c{n % 7}" for n in numbers],
        terminal_id=["shop"] * len(numbers),
        amount_minor=numbers * 100,
        event_time_ms=START_MS + numbers * DAY_MS // per_day,
        label=numbers % 2,
        scenario=numbers % 2,
    )


# What is sent.


@given(tables())
def test_every_transaction_and_every_label_is_sent_once(table: Transactions) -> None:
    workers = Workers()
    sent = run(workers, table)
    for topic in ("transactions", "labels"):
        ids = [one for call in workers.sent_to(topic) for one in call.ids]
        assert Counter(ids) == Counter(table.transaction_id.tolist())
    days = len(np.unique(table.event_time_ms // DAY_MS))
    assert sent == Sent(transactions=len(table), duplicates=0, labels=len(table), days=days)


def test_a_table_without_labels_sends_none() -> None:
    workers = Workers()
    assert run(workers, table_of(label=None)).labels == 0
    assert workers.sent_to("labels") == []


def test_no_transactions_send_nothing() -> None:
    workers = Workers()
    assert run(workers, days_of(0)) == Sent()
    assert workers.calls == []


def test_both_days_of_a_range_are_sent_and_no_other(tmp_path: Path) -> None:
    write_transactions([days_of(5)], tmp_path / "table.parquet")
    table = read_transactions(
        tmp_path / "table.parquet", read_column_map("generated"), start=date(2018, 4, 2), end=date(2018, 4, 4)
    )
    workers = Workers()
    assert run(workers, table).days == 3
    sent = [one for call in workers.sent_to("transactions") for one in call.ids]
    assert sent == [f"tx{n}" for n in range(4, 16)]


# In which order.


@given(tables(), st.integers(1, 9))
def test_nothing_of_a_day_is_sent_before_all_that_was_sent_has_been_applied(
    table: Transactions, appetite: int
) -> None:
    workers = Workers(appetite)
    run(workers, table)
    assert all(len(call.days) == 1 for call in workers.calls)
    # Labels of several days may go together, transactions follow what has been applied alone.
    assert all(call.behind == 0 for call in workers.sent_to("transactions"))
    assert workers.done == workers.reached


@given(tables())
def test_topics_stay_within_a_virtual_day_and_no_label_is_later_than_its_delay(table: Transactions) -> None:
    workers = Workers()
    run(workers, table)
    labelled: set[int] = set()
    today = 0
    for call in workers.calls:
        (day,) = call.days
        if call.topic == "labels":
            labelled.add(day - DELAY_DAYS)  # a label's own event time is a delay after its transaction's
            continue
        assert day > today
        today = day
        due = {each.toordinal() for each, _ in table.days() if each.toordinal() <= today - DELAY_DAYS}
        assert due <= labelled
        assert max(labelled, default=0) <= today - DELAY_DAYS


def test_the_labels_of_the_last_week_follow_at_the_end() -> None:
    workers = Workers()
    run(workers, days_of(10))
    tail = [(call.topic, len(call.ids)) for call in workers.calls[-8:]]
    assert tail == [("transactions", 4)] + [("labels", 4)] * 7


# What is disturbed.


@pytest.mark.parametrize("share", [0.01, 0.2, 1.0])
def test_the_stated_share_of_records_is_sent_twice(share: float) -> None:
    count, workers = 5000, Workers(appetite=10_000)
    sent = run(workers, days_of(1, per_day=count), disturbance=Disturbance(duplicates=share))
    assert abs(sent.duplicates - count * share) <= 4 * np.sqrt(count * share * (1 - share))
    (call,) = workers.sent_to("transactions")
    assert sent.transactions == count
    assert len(call.ids) - len(set(call.ids)) == sent.duplicates


def test_a_shuffle_moves_records_within_their_day_and_their_customers_order() -> None:
    table, workers = days_of(2, per_day=50), Workers()
    run(workers, table, disturbance=Disturbance(shuffle=10))
    first, second = (call.ids for call in workers.sent_to("transactions"))
    ids = table.transaction_id.tolist()
    assert (sorted(first), sorted(second)) == (sorted(ids[:50]), sorted(ids[50:]))
    places = [first.index(one) for one in ids[:50]]
    assert 0 < max(abs(place - row) for row, place in enumerate(places)) <= 10
    for customer in range(7):
        assert places[customer::7] == sorted(places[customer::7])


def test_the_same_seed_disturbs_the_same_way() -> None:
    disturbance = Disturbance(shuffle=5, duplicates=0.3)
    runs = []
    for seed in (1, 1, 2):
        workers = Workers()
        run(workers, days_of(3, per_day=20), disturbance=disturbance, seed=seed)
        runs.append([call.ids for call in workers.calls])
    assert runs[0] == runs[1] != runs[2]


# How fast.


def test_the_rate_is_that_of_transactions_alone_and_so_is_the_progress() -> None:
    workers, counted = Workers(), list[int]()
    run(workers, days_of(9), shape=Shape(Kind.STEADY, 250.0), progress=counted.append)
    assert {call.due_s is None for call in workers.sent_to("transactions")} == {False}
    assert {call.due_s is None for call in workers.sent_to("labels")} == {True}
    assert sum(counted) == 36


@pytest.mark.parametrize("kind", Kind)
def test_a_shape_goes_on_with_the_next_day_where_the_last_one_has_left_it(kind: Kind) -> None:
    shape, workers = Shape(kind, mean_rate=2.0, period_s=10.0), Workers()
    run(workers, days_of(9, per_day=7), shape=shape)
    last_s = 0.0
    told: list[float] = []
    for call in workers.sent_to("transactions"):
        assert call.due_s is not None
        told += (last_s + call.due_s).tolist()
        last_s = told[-1]
    assert told == pytest.approx(shape.due_s(0, 63).tolist(), abs=1e-9)


# When nobody applies.


def test_a_replay_that_nobody_applies_says_so_after_a_minute() -> None:
    workers = Workers(appetite=0)
    with pytest.raises(Unavailable, match="nothing has been applied for 60 s") as stalled:
        run(workers, days_of(3))
    assert STALLED_S < workers.time_s < STALLED_S + 1
    assert len(workers.calls) == 1
    assert stalled.value.next_step


def test_a_slow_worker_is_waited_for_as_long_as_it_moves() -> None:
    class Slow(Workers):
        """Applies a record every 50 seconds."""

        def sleep(self, seconds: float) -> None:
            before, self.time_s = self.time_s, self.time_s + seconds
            if int(self.time_s // 50) > int(before // 50):
                super().sleep(0)

    workers = Slow(appetite=1)
    run(workers, days_of(1, per_day=6), disturbance=Disturbance())
    assert workers.time_s > 2 * STALLED_S
    assert workers.done == workers.reached


def test_midnight_belongs_to_the_new_day() -> None:
    workers = Workers()
    run(workers, table_of())
    assert [call.ids for call in workers.sent_to("transactions")] == [["a", "b"], ["c"]]
    assert workers.sent_to("transactions")[0].days == {date(2018, 4, 1).toordinal()}


class AwayForAWhile(Workers):
    """Redis restarts while a replay waits at its barrier."""

    looks = 0

    def now(self) -> dict[Place, int]:
        self.looks += 1
        if 2 < self.looks < 6:
            raise Unavailable("Redis failed")
        return super().now()


def test_a_replay_goes_on_when_redis_was_away_for_a_while() -> None:
    workers = AwayForAWhile()
    assert run(workers, days_of(3)).transactions == 12
    assert workers.looks > 6
