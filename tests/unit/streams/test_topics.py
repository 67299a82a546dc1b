"""The topics a deployment needs."""

from pathlib import Path

import pytest

from streams.settings import Settings
from streams.topics import Partition, topics


@pytest.fixture
def settings() -> Settings:
    return Settings.model_construct(
        home=Path("/nowhere"), partitions=5, transactions_topic="tx", labels_topic="lb", alerts_topic="al"
    )


def test_inputs_alerts_and_dead_letters_are_there_with_equal_partitions(settings: Settings) -> None:
    found = {topic.name: topic.partitions for topic in topics(settings)}
    assert found == dict.fromkeys(["tx", "lb", "al", "tx.dlq", "lb.dlq"], 5)


def test_every_record_bears_the_brokers_time_for_it_judges_what_is_ahead(settings: Settings) -> None:
    found = [t.name for t in topics(settings) if t.config.get("message.timestamp.type") == "LogAppendTime"]
    assert found == ["tx", "lb", "al", "tx.dlq", "lb.dlq"]


def test_a_dead_letter_fits_though_it_is_the_original_and_its_headers(settings: Settings) -> None:
    largest = {topic.name: int(topic.config["max.message.bytes"]) for topic in topics(settings)}
    assert largest["tx.dlq"] > largest["tx"]
    assert largest["lb.dlq"] > largest["lb"]


def test_every_topic_keeps_its_records_for_thirty_days(settings: Settings) -> None:
    days = {int(topic.config["retention.ms"]) / 86_400_000 for topic in topics(settings)}
    assert days == {30}


def test_a_topic_made_again_is_another_partition() -> None:
    assert Partition("id-1", 0) != Partition("id-2", 0)
