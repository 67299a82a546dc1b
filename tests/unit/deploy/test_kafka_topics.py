from deploy.stack.kafka_topics import wrong_partitions
from streams.topics import Topic

WANTED = (Topic("transactions", 8, {}), Topic("labels", 8, {}))


def test_topics_as_they_should_be_are_not_wrong() -> None:
    assert wrong_partitions(WANTED, {"transactions": 8, "labels": 8, "other": 3}) == []


def test_another_number_of_partitions_is_wrong() -> None:
    counts = {"transactions": 8, "labels": 4}
    assert wrong_partitions(WANTED, counts) == ["topic labels has 4 partitions, not 8"]


def test_a_missing_topic_is_not_wrong_yet() -> None:
    assert wrong_partitions(WANTED, {"transactions": 8}) == []
