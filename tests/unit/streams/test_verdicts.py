"""What follows from verdicts: additions, alerts, the recall of what was decided before."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.doubles import FakeLedger
from models.decision import VERDICTS, DecidedTransaction, body_of
from models.history import EVENT, MARK, pack
from streams.arrivals import Batch, DeadLetter
from streams.codecs import TransactionCodec
from streams.ledger.reading import documents_of
from streams.ports import DecisionRows, Mark, Recorded, Scoring, Settled
from streams.verdicts import (
    additions_of,
    alerts_of,
    decided_row,
    marks_as_additions,
    recall,
    step_of,
)
from tests.builders import NOON_MS, NOW, Log, sweep_of, transaction

SCORINGS = (
    Scoring("champion", "M", "7", "policy-1", "ab-1"),
    Scoring("challenger", "L", "2", "policy-1", "ab-1"),
)
APPROVE, REVIEW, DECLINE = range(3)


def batch_of(*documents: Any) -> Batch:
    return TransactionCodec("EUR", 300_000).decode(sweep_of(*documents))[0]


def rows_of(batch: Batch, verdicts: list[int], late: list[bool] | None = None) -> DecisionRows:
    count = len(batch)
    return DecisionRows(
        batch,
        np.array(verdicts, np.int8),
        np.linspace(0.1, 0.9, count),
        np.array(late or [False] * count, np.bool_),
        np.arange(count, dtype=np.int64) % 2,
        SCORINGS,
        np.zeros((count, 1), np.float32),
        "EUR",
        NOW,
    )


def by_rest(rows: DecisionRows, row: int, **fields: Any) -> DecidedTransaction:
    """The decision that REST had made on one of the rows."""
    return msgspec.structs.replace(decided_row(rows, row), path="rest", **fields)


BATCH = batch_of(*(transaction(f"tx-{n}", customer_id=f"c-{n}", amount_minor=n, day=n) for n in range(4)))
ROWS = rows_of(BATCH, [APPROVE, REVIEW, DECLINE, REVIEW])


def test_a_step_goes_from_the_progress_to_behind_the_last_record_of_each_partition() -> None:
    log = Log()
    log.produce(*[b"{}"] * 9, partition=0)
    log.produce(*[b"{}"] * 5, partition=3)
    sweep = log.sweep({0: 4, 3: 5})
    step = step_of(sweep, {0: 4, 3: 5, 7: 1}, [])
    assert (step.topic, step.topic_id, step.expected, step.reached) == (
        "transactions",
        "transactions-id",
        {0: 4},
        {0: 9},
    )


def test_a_step_may_begin_at_a_progress_that_lies_before_its_first_record() -> None:
    """Offsets have holes: markers of transactions, and records that were compacted away."""
    log = Log()
    log.produce(*[b"{}"] * 9)
    step = step_of(log.sweep({0: 6}), {0: 4}, [])
    assert (step.expected, step.reached) == ({0: 4}, {0: 9})


def test_every_row_adds_its_amount_to_its_customer_and_a_visit_to_its_terminal() -> None:
    added = additions_of(ROWS, Settled())
    times = NOON_MS // 1000 + np.arange(4) * 86_400
    assert added.ids == {"customer": ["c-0", "c-1", "c-2", "c-3"], "terminal": ["t-1"] * 4}
    assert added.records["customer"].tobytes() == pack(times, np.arange(4), EVENT).tobytes()
    assert added.records["terminal"].tobytes() == pack(times, np.zeros(4, np.int64), EVENT).tobytes()


def test_what_is_late_adds_nothing() -> None:
    added = additions_of(rows_of(BATCH, [0] * 4, late=[False, True, False, True]), Settled())
    assert added.ids["customer"] == ["c-0", "c-2"]
    assert len(added.records["customer"]) == len(added.records["terminal"]) == 2


@pytest.mark.parametrize(("we_say", "it_says"), [(False, True), (True, False)])
def test_whether_a_claimed_row_is_late_is_the_ledgers_word(we_say: bool, it_says: bool) -> None:
    rows = rows_of(BATCH, [0] * 4, late=[False, we_say, False, False])
    added = additions_of(rows, Settled({1: by_rest(rows, 1, late=it_says)}))
    assert ("c-1" in added.ids["customer"]) is not it_says


def test_own_reviews_and_declines_become_alerts_in_the_order_of_the_batch() -> None:
    found = [(alert.transaction_id, alert.decision) for alert in alerts_of(ROWS, Settled())]
    assert found == [("tx-1", "review"), ("tx-2", "decline"), ("tx-3", "review")]


def test_a_claimed_row_is_alerted_as_it_was_decided_not_as_we_would() -> None:
    claimed = {
        0: by_rest(ROWS, 0, decision="decline"),
        1: by_rest(ROWS, 1, decision="approve"),
        2: by_rest(ROWS, 2),
    }
    found = [(a.transaction_id, a.decision, a.path) for a in alerts_of(ROWS, Settled(claimed))]
    assert found == [("tx-3", "review", "stream"), ("tx-0", "decline", "rest"), ("tx-2", "decline", "rest")]


def test_a_row_tells_who_decided_it() -> None:
    found = [decided_row(ROWS, row) for row in range(4)]
    assert [each.decision for each in found] == [VERDICTS[n] for n in (0, 1, 2, 1)]
    assert [(each.variant, each.model_name, each.model_version) for each in found[:2]] == [
        ("champion", "M", "7"),
        ("challenger", "L", "2"),
    ]
    assert {(each.path, each.policy_version, each.ab_version, each.currency) for each in found} == {
        ("stream", "policy-1", "ab-1", "EUR")
    }
    assert [each.decided_at for each in found] == [NOW] * 4


def test_empty_attributes_are_none_as_the_ledger_keeps_them() -> None:
    rows = rows_of(replace(BATCH, attributes=[{}, None, {"a": 1}, None]), [REVIEW] * 4)
    assert [decided_row(rows, row).attributes for row in range(3)] == [None, None, {"a": 1}]


@given(
    st.integers(0, 253_402_300_799_999 - 400 * 86_400_000),
    st.integers(0, 10**12),
    st.none() | st.dictionaries(st.just("channel"), st.text("ab", max_size=3)),
)
def test_a_row_that_is_read_back_is_the_same_transaction_to_the_millisecond(
    event_time_ms: int, amount_minor: int, attributes: dict[str, Any] | None
) -> None:
    """Else a record that comes again would be taken for a conflict."""
    batch = replace(
        BATCH.take(np.array([0])),
        amount_minor=np.array([amount_minor], np.int64),
        event_time_ms=np.array([event_time_ms], np.int64),
        attributes=[attributes],
    )
    decided = decided_row(rows_of(batch, [REVIEW]), 0)
    names = ["incarnation", "partition", "offset", *DecidedTransaction.__struct_fields__, "extra"]
    row = [7, 1, 5, *(getattr(decided, name) for name in names[3:-1]), "more"]
    ((found, owner, extra),) = documents_of([row], names)
    assert (found, owner, extra) == (decided, (7, 1, 5), {"extra": "more"})
    assert body_of(found) == batch.body(0)


class Recalling(FakeLedger):
    """A ledger that notes which spans it was asked for."""

    def recorded(self, topic_id: str, spans: Any) -> Recorded:
        self.spans = dict(spans)
        decisions = {(0, 2): by_rest(ROWS, 1), (0, 3): by_rest(ROWS, 0, decision="approve")}
        return Recorded(decisions, {(0, 4): ("not_json", "no object"), (1, 9): ("empty", "elsewhere")})


def test_what_comes_again_is_alerted_and_set_aside_as_it_was_recorded() -> None:
    ledger, alerts, dead = Recalling(), list[DecidedTransaction](), list[DeadLetter]()
    log = Log()
    log.produce(*(b"value %d" % n for n in range(6)))
    recall(ledger, log.sweep({0: 2}, {0: 5}), {0: 5}, alerts, dead)
    assert [alert.transaction_id for alert in alerts] == ["tx-1"]
    assert [(each.offset, each.value, each.reason, each.detail) for each in dead] == [
        (4, b"value 4", "not_json", "no object")
    ]


def test_the_ledger_is_asked_for_what_the_sweep_spans_and_nothing_above_the_progress() -> None:
    ledger = Recalling()
    log = Log()
    log.produce(*[b"{}"] * 6, partition=0)
    log.produce(*[b"{}"] * 9, partition=1)
    recall(ledger, log.sweep({0: 2, 1: 4}), {0: 5, 1: 20}, [], [])
    assert ledger.spans == {0: (2, 5), 1: (4, 9)}


def test_marks_go_to_terminals_and_those_that_change_nothing_go_nowhere() -> None:
    added = marks_as_additions([Mark("t-1", 10, 1), Mark("t-2", 11, 0), Mark("t-3", 12, -1)])
    assert added.ids == {"customer": [], "terminal": ["t-1", "t-3"]}
    expected = pack(np.array([10, 12]), np.array([1, -1]), MARK)
    assert added.records["terminal"].tobytes() == expected.tobytes()
    assert len(added.records["customer"]) == 0
