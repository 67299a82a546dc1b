"""Offsets owed to the group, and how far behind a worker is."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.offsets import NOT_OURS, Ends, Offsets, OwedOffsets
from tests.unit.streams.polling import L0, T0, T1
from tests.unit.streams.scripted_kafka import ScriptedConsumer
from tests.unit.streams.virtual_time import Clock


@pytest.fixture
def kafka() -> ScriptedConsumer:
    consumer = ScriptedConsumer(Clock())
    consumer.subscribe(["transactions"], on_assign=lambda *_: None)
    return consumer


def owing(offsets: Offsets) -> OwedOffsets:
    owed = OwedOffsets()
    owed.later(offsets)
    return owed


def test_what_is_owed_is_committed_once_and_waited_for(kafka: ScriptedConsumer) -> None:
    owed = owing({T0: 5, L0: 2})
    owed.commit(kafka)
    owed.commit(kafka)
    assert kafka.asked("commit") == [{T0: 5, L0: 2}]


def test_the_later_of_two_offsets_is_committed(kafka: ScriptedConsumer) -> None:
    owed = owing({T0: 5, T1: 1})
    owed.later({T0: 9})
    owed.commit(kafka)
    assert kafka.committed_offsets == {T0: 9, T1: 1}


def test_nothing_is_asked_of_kafka_when_nothing_is_owed(kafka: ScriptedConsumer) -> None:
    OwedOffsets().commit(kafka)
    assert kafka.asked("commit") == []


def test_what_was_committed_otherwise_is_dropped(kafka: ScriptedConsumer) -> None:
    owed = owing({T0: 5, T1: 6})
    owed.drop({T0, L0})
    owed.commit(kafka)
    assert kafka.committed_offsets == {T1: 6}


def test_after_a_refusal_nothing_is_owed(kafka: ScriptedConsumer) -> None:
    owed = owing({T0: 5})
    owed.clear()
    owed.commit(kafka)
    assert kafka.asked("commit") == []


@pytest.mark.parametrize("code", sorted(NOT_OURS))
def test_a_commit_for_a_group_that_has_moved_on_is_no_failure(kafka: ScriptedConsumer, code: int) -> None:
    kafka.commit_errors.append(KafkaException(KafkaError(code)))
    owing({T0: 5}).commit(kafka)
    assert kafka.committed_offsets == {}


def test_any_other_refusal_is_one(kafka: ScriptedConsumer) -> None:
    kafka.commit_errors.append(KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)))
    with pytest.raises(KafkaException):
        owing({T0: 5}).commit(kafka)


def test_lag_is_what_the_log_holds_beyond_what_was_read(kafka: ScriptedConsumer) -> None:
    kafka.produce(T0, *[b"{}"] * 10)
    kafka.positions[T0] = 4
    kafka.delivered.add(T0)
    assert Ends().lag(kafka, [T0]) == {T0: 6}


def test_markers_of_transactions_at_the_end_of_a_log_are_no_lag(kafka: ScriptedConsumer) -> None:
    """They have offsets and are never delivered; the end of the partition was seen behind them."""
    kafka.produce(T0, *[b"{}"] * 10)
    kafka.positions[T0] = 8
    kafka.delivered.add(T0)
    ends = Ends()
    ends.reached(T0, 10)
    assert ends.lag(kafka, [T0]) == {T0: 0}


def test_records_that_come_after_an_end_are_lag_again(kafka: ScriptedConsumer) -> None:
    kafka.produce(T0, *[b"{}"] * 12)
    kafka.positions[T0] = 8
    kafka.delivered.add(T0)
    ends = Ends()
    ends.reached(T0, 10)
    assert ends.lag(kafka, [T0]) == {T0: 2}


def test_a_partition_of_which_nothing_is_known_yet_has_no_lag(kafka: ScriptedConsumer) -> None:
    kafka.produce(T0, b"{}")
    kafka.positions[T0] = 0
    assert Ends().lag(kafka, [T0]) == {}


def test_an_end_that_has_moved_back_is_not_a_negative_lag(kafka: ScriptedConsumer) -> None:
    kafka.produce(T0, b"{}")
    kafka.positions[T0] = 5
    kafka.delivered.add(T0)
    assert Ends().lag(kafka, [T0]) == {T0: 0}


@pytest.mark.parametrize("code", sorted(NOT_OURS))
def test_an_offset_that_is_refused_is_owed_until_the_partition_goes(
    kafka: ScriptedConsumer, code: int
) -> None:
    owed = owing({T0: 5})
    kafka.commit_errors.append(KafkaException(KafkaError(code)))
    owed.commit(kafka)
    assert owed
    owed.commit(kafka)
    assert kafka.committed_offsets == {T0: 5}
    assert not owed
