"""Which offsets the poller commits, when, and never beside a transaction (rule 6)."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from models.errors import KafkaUnavailable
from streams.arrivals import Sweep
from streams.poller import REVOKE_WAIT_S
from tests.unit.streams.polling import T0, Polling


def test_the_starting_offset_is_committed_before_the_first_sweep(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.first[T0] = 2
    polling.kafka.give(T0)
    polling.run()
    assert polling.kafka.happened[1:4] == [
        ("assign", {T0: 2}),
        ("commit", {T0: 2}),
        ("consume", (2047, 0)),
    ]


def test_the_starting_offset_is_committed_though_kafka_refuses_it_once(polling: Polling) -> None:
    """Else a crash after the first sweep leaves progress without a committed offset, which stops a worker."""
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.commit_errors.append(KafkaException(KafkaError(KafkaError.REBALANCE_IN_PROGRESS)))
    polling.kafka.give(T0)
    polling.run()
    steps = [(kind, what) for kind, what in polling.kafka.happened if kind in ("commit", "deliver")]
    assert steps[:2] == [("commit", {T0: 0}), ("deliver", {T0: 5})]


def test_the_starting_offset_of_a_partition_that_has_gone_is_not_committed(polling: Polling) -> None:
    """Its next owner has committed more by then."""
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.commit_errors.append(KafkaException(KafkaError(KafkaError.REBALANCE_IN_PROGRESS)))
    polling.kafka.give(T0)
    polling.kafka.lose(T0)
    polling.run()
    assert polling.kafka.asked("commit", "deliver") == []


def test_plain_offsets_are_committed_together_and_not_for_every_sweep(polling: Polling) -> None:
    polling.max_records = 10
    polling.kafka.produce(T0, *[b"{}"] * 1000)
    polling.kafka.give(T0)
    polling.work_s = 0.01
    polling.run(for_s=5)
    commits = polling.kafka.asked("commit")
    assert len(polling.sweeps) == 100
    assert commits[-1] == {T0: 1000}
    assert len(commits) <= 4


def test_what_a_transaction_has_committed_is_not_committed_again(polling: Polling) -> None:
    polling.max_records = 1
    polling.kafka.produce(T0, b"plain", b"alert")
    polling.kafka.give(T0)
    handlers = [polling.done_plainly, polling.done_in_a_transaction]
    polling.handle = lambda sweep: handlers.pop(0)(sweep)
    polling.run(for_s=3)
    assert polling.kafka.asked("transaction") == [{T0: 2}]
    assert polling.kafka.asked("commit") == [{T0: 0}]
    assert polling.kafka.committed_offsets == {T0: 2}


def test_what_is_finished_is_committed_when_the_poller_stops(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.run(for_s=0.5)
    assert polling.kafka.committed_offsets == {T0: 1}
    assert polling.kafka.happened[-1] == ("close", None)


def test_stopping_commits_nothing_before_the_sweep_in_work_is_done(polling: Polling) -> None:
    """Its transaction may be under way, and offsets committed beside it could go back."""
    polling.max_records = 1
    polling.kafka.produce(T0, b"plain", b"alert")
    polling.kafka.give(T0)
    handlers = [polling.done_plainly, polling.done_in_a_transaction]

    def handle(sweep: Sweep) -> None:
        handlers.pop(0)(sweep)
        polling.work_s = 2.0

    polling.handle = handle
    polling.run(for_s=0.1)
    steps = [kind for kind, _ in polling.kafka.happened if kind in ("deliver", "transaction", "commit")]
    assert steps == ["commit", "deliver", "deliver", "transaction"]
    assert polling.kafka.committed_offsets == {T0: 2}


def test_a_revocation_that_waits_no_longer_commits_nothing_beside_a_transaction(polling: Polling) -> None:
    """The sweep in work may be inside its transaction; an older offset committed now may land after it."""
    polling.max_records = 1
    polling.kafka.produce(T0, b"plain", b"alert")
    polling.kafka.give(T0)

    def handle(sweep: Sweep) -> None:
        if len(polling.sweeps) == 1:
            polling.done_plainly(sweep)
        else:
            polling.kafka.take_away(T0)

    polling.handle = handle
    polling.run(for_s=REVOKE_WAIT_S + 2)
    assert polling.kafka.asked("unassign") == [{T0}]
    assert polling.kafka.asked("commit") == [{T0: 0}]


def test_what_is_lost_is_not_committed(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.clock.after(0.5, lambda: polling.kafka.lose(T0))
    polling.run(for_s=3)
    assert polling.sizes() == [1]
    assert polling.kafka.asked("commit") == [{T0: 0}]


def test_a_commit_that_finds_no_coordinator_is_made_up_for(polling: Polling) -> None:
    """As the client says it while brokers are away: not marked as retriable, as it comes from a code."""
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    away = KafkaException(KafkaError(KafkaError._WAIT_COORD))
    polling.clock.after(0.5, lambda: polling.kafka.commit_errors.append(away))
    polling.run(for_s=4)
    assert polling.kafka.committed_offsets == {T0: 1}


def test_a_commit_that_kafka_refuses_for_good_ends_the_poller(polling: Polling) -> None:
    polling.kafka.give(T0)
    polling.kafka.commit_errors.append(
        KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED, "not yours"))
    )
    with pytest.raises(KafkaUnavailable, match="not yours"):
        polling.run()
