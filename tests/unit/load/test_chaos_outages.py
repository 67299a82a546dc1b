"""The table of outages counts what callers heard, and decisions that are quiet about what they lacked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from load.chaos.heard import LOST, Reply
from load.chaos.outages import CALM_REPLIES, NOTHING, Outage, Watch, heard_of, silent_ones
from models.decision import DecidedTransaction
from models.errors import Unavailable
from models.features import FEATURE_NAMES
from streams.answered import answer_document
from streams.ledger.scan import ExportedRow
from tests.builders import decided

POSTGRES = Outage(("postgres",), "ended")


def answer(
    found: DecidedTransaction, took_s: float = 0.01, durable: str = "ledger", at_s: float = 0.0
) -> Reply:
    return Reply(202 if durable == "log" else 200, "", answer_document(found), durable, at_s, took_s)


def row(found: DecidedTransaction, seen: int) -> ExportedRow:
    features = np.zeros(len(FEATURE_NAMES), np.float32)
    features[FEATURE_NAMES.index("customer_tx_count_30d")] = seen
    return ExportedRow(found, list(FEATURE_NAMES), features)


def test_replies_are_counted_by_status_by_what_was_missing_and_by_where_they_were_written() -> None:
    without = decided(transaction_id="a", degraded_reason="no_history")
    replies = [
        answer(without, took_s=0.1),
        answer(decided(transaction_id="b", degraded_reason=None), durable="log"),
        Reply(503, "answer_lost", b"{}", "ledger", 0.0, 0.02),
        Reply(LOST, "ReadError", b"", "", 0.0, 0.02),
    ]
    found = heard_of(POSTGRES, replies, silent={"b"})
    assert found.statuses == {"200": 1, "202": 1, "503 answer_lost": 1, "lost ReadError": 1}
    assert found.degraded == {"no_history": 1, "none": 1}
    assert found.durable == {"ledger": 1, "log": 1}
    assert (found.asked, found.p50_ms, found.longest_ms, found.silent) == (4, 20.0, 100.0, 1)


@pytest.mark.parametrize(
    ("reason", "path", "customer", "seen", "silent"),
    [
        (None, "rest", "known", 1, True),
        (None, "rest", "known", 2, False),
        ("no_history", "rest", "known", 1, False),
        (None, "rest", "new", 1, False),
        (None, "stream", "known", 1, False),
    ],
)
def test_a_decision_without_a_history_that_there_was_must_say_so(
    reason: str | None, path: str, customer: str, seen: int, silent: bool
) -> None:
    found = decided(transaction_id="tx", degraded_reason=reason, path=path, customer_id=customer)
    assert silent_ones([row(found, seen)], {"known"}) == ({"tx"} if silent else set())


@dataclass
class World:
    """Time passes by waiting; a whole answer comes every 0.1 s, but while something is away."""

    now_s: float = 0.0
    replies: list[Reply] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    degraded_reason: str | None = None

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            reason = "no_history" if self.away else self.degraded_reason
            self.replies.append(answer(decided(degraded_reason=reason), at_s=self.now_s))

    def pid(self, part: str) -> int:
        raise NotImplementedError

    def wait_ready(self, *parts: str, within_s: float | None = None) -> None:
        raise NotImplementedError

    @contextmanager
    def halted(self, part: str) -> Iterator[Path]:
        self.away.append(part)
        yield Path()
        self.away.remove(part)

    def watch(self) -> Watch:
        return Watch(self, self.replies, self.wait, lambda: self.now_s)


def test_only_what_was_asked_during_an_outage_counts_and_it_ends() -> None:
    world = World()
    heard = world.watch().run(Outage(("kafka", "postgres"), "ended"), 2.0)
    assert len(heard) == 20
    assert {reply.degraded_reason for reply in heard} == {"no_history"}
    assert world.away == []


def test_an_outage_begins_once_the_last_one_is_missed_no_more() -> None:
    world = World()
    world.watch().run(NOTHING, 1.0)
    assert len(world.replies) > CALM_REPLIES
    world.degraded_reason = "no_history"
    with pytest.raises(Unavailable):
        world.watch().run(NOTHING, 1.0)
