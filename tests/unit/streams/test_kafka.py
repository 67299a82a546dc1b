"""How our clients of Kafka are configured, and what their errors mean."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity
from confluent_kafka import KafkaError, KafkaException, Producer

from models.errors import KafkaUnavailable
from streams.kafka import (
    is_retriable,
    our_errors,
    outbox_config,
    patience,
    producer_config,
    topic_ids,
    words_of,
    worker_config,
)
from streams.settings import Settings
from streams.topics import LARGEST_DEAD_LETTER_BYTES
from tests.unit.streams.virtual_time import Clock


@pytest.fixture
def settings() -> Settings:
    return Settings.model_construct(slot=3, group_id="g", session_timeout_s=12.0, kafka_timeout_s=7.0)


def test_a_worker_commits_nothing_and_invents_no_position_behind_our_back(settings: Settings) -> None:
    config = worker_config(settings)
    assert config["enable.auto.commit"] is False
    assert config["auto.offset.reset"] == "error"
    assert config["allow.auto.create.topics"] is False


def test_a_new_owner_waits_for_a_transaction_in_flight(settings: Settings) -> None:
    assert worker_config(settings)["isolation.level"] == "read_committed"


def test_a_worker_that_restarts_keeps_its_partitions(settings: Settings) -> None:
    assert worker_config(settings)["group.instance.id"] == "g-3"
    assert worker_config(settings)["partition.assignment.strategy"] == "range"


def test_heartbeats_come_often_enough_for_the_session(settings: Settings) -> None:
    config = worker_config(settings)
    assert config["session.timeout.ms"] == 12_000
    assert config["heartbeat.interval.ms"] * 3 <= config["session.timeout.ms"]


def test_what_a_dead_worker_leaves_open_lasts_no_longer_than_its_session(settings: Settings) -> None:
    config = outbox_config(settings)
    assert (config["transactional.id"], config["transaction.timeout.ms"]) == ("g-3", 12_000)
    Producer(config)  # the client refuses time-outs that outlast the transaction


def test_a_producer_neither_loses_nor_doubles_by_its_own_retries(settings: Settings) -> None:
    config = producer_config(settings, "outbox-3")
    assert (config["acks"], config["enable.idempotence"]) == ("all", True)
    assert config["message.max.bytes"] == LARGEST_DEAD_LETTER_BYTES
    assert config["client.id"] == "fraudml-outbox-3"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KafkaException(KafkaError(KafkaError._TRANSPORT, "broker gone")), "broker gone"),
        (KafkaException("not of the protocol"), "not of the protocol"),
        (KafkaException(), ""),
    ],
)
def test_the_clients_errors_end_here(error: KafkaException, words: str) -> None:
    assert words_of(error) == words
    with pytest.raises(KafkaUnavailable) as raised, our_errors("list topics"):
        raise error
    assert (raised.value.what, raised.value.why) == ("Kafka failed to list topics", words)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (KafkaException(KafkaError(KafkaError._TIMED_OUT, "words", retriable=True)), True),
        (KafkaException(KafkaError(KafkaError._WAIT_COORD)), True),
        (KafkaException(KafkaError(KafkaError.NOT_COORDINATOR)), True),
        (KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)), False),
        (ZeroDivisionError(), False),
    ],
)
def test_trying_again_helps_where_kafka_says_so_or_a_coordinator_moves(
    error: Exception, passes: bool
) -> None:
    assert is_retriable(error) is passes


def test_patience_tries_again_for_as_long_as_it_was_told_and_says_why_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, tries = Clock(), list[float]()
    monkeypatch.setattr(tenacity, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=clock.wait))

    def ask() -> None:
        tries.append(clock.now_s)
        raise KafkaException(KafkaError(KafkaError._WAIT_COORD, "no coordinator"))

    with pytest.raises(KafkaException, match="no coordinator"):
        patience(10.0, reraise=True)(ask)
    assert len(tries) > 5
    assert 10.0 <= clock.now_s <= 12.0


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), our_errors("list topics"):
        raise ZeroDivisionError


class Admin:
    """`AdminClient`, answering from a table of topic ids."""

    def __init__(self, ids: dict[str, str]) -> None:
        self._ids = ids

    def describe_topics(self, asked: Any, request_timeout: float) -> dict[str, Future[Any]]:
        return {name: self._answer(name) for name in asked.topics}

    def _answer(self, name: str) -> Future[Any]:
        future: Future[Any] = Future()
        if name in self._ids:
            future.set_result(SimpleNamespace(topic_id=self._ids[name]))
        else:
            unknown = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "no such topic")
            future.set_exception(KafkaException(unknown))
        return future


def test_topics_are_told_by_the_ids_that_kafka_gave_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.TopicCollection", lambda topics: SimpleNamespace(topics=topics))
    admin: Any = Admin({"transactions": "id-1", "labels": "id-2", "others": "id-3"})
    assert topic_ids(admin, ["transactions", "labels"], 1.0) == {"transactions": "id-1", "labels": "id-2"}


def test_a_topic_that_is_missing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.TopicCollection", lambda topics: SimpleNamespace(topics=topics))
    admin: Any = Admin({"transactions": "id-1"})
    with pytest.raises(KafkaUnavailable, match="no such topic"):
        topic_ids(admin, ["transactions", "labels"], 1.0)


def test_a_broker_that_answers_nothing_is_unavailable() -> None:
    with pytest.raises(KafkaUnavailable, match="it does not answer"), our_errors("describe topics"):
        raise TimeoutError
