"""Topics, as a reconciliation reads them: committed records alone, by offset and by the broker's time."""

from collections.abc import Iterator

import pytest

from tests.contracts.topic_worlds import FakeTopicWorld, TopicWorld, real_topics


@pytest.fixture
def world(kind: str, request: pytest.FixtureRequest) -> Iterator[TopicWorld]:
    if kind == "fake":
        yield FakeTopicWorld()
        return
    with real_topics(request.getfixturevalue("own_topics")) as real:
        yield real


def values(
    world: TopicWorld, until: dict[int, int], starts: dict[int, int] | None = None
) -> list[tuple[int, bytes]]:
    """Offset and value of what is read, in order."""
    found = [message for batch in world.topics.read(world.topic, until, starts) for message in batch]
    return sorted((message.offset(), message.value()) for message in found)


def test_records_are_read_from_an_offset_to_below_another(world: TopicWorld) -> None:
    world.produce(0, b"a", b"b", b"c", b"d")
    world.produce(1, b"e")
    assert values(world, {0: 4}) == [(0, b"a"), (1, b"b"), (2, b"c"), (3, b"d")]
    assert values(world, {0: 3}, {0: 1}) == [(1, b"b"), (2, b"c")]
    assert values(world, {0: 3}, {0: 3}) == []
    assert values(world, {0: 1, 1: 1}) == [(0, b"a"), (0, b"e")]


def test_an_empty_topic_has_partitions_and_ends(world: TopicWorld) -> None:
    assert world.topics.partitions(world.topic) == [0, 1]
    assert world.topics.ends(world.topic) == {0: (0, 0), 1: (0, 0)}
    assert world.topics.written(world.topic) == {0: 0, 1: 0}


def test_what_a_transaction_gave_up_is_not_read(world: TopicWorld) -> None:
    world.produce(0, b"a")
    world.abort(0, b"b", b"c")
    world.produce(0, b"d")
    # Kafka may still be marking the end of the transaction: what is read then is waited for.
    written = world.topics.written(world.topic)
    assert [value for _, value in values(world, written)] == [b"a", b"d"]


def test_what_an_open_transaction_has_written_lies_after_the_end(world: TopicWorld) -> None:
    world.produce(0, b"a")
    transaction = world.open(0, b"b")
    assert world.topics.ends(world.topic)[0] == (0, 1)
    assert world.topics.written(world.topic)[0] == 2
    transaction.commit_transaction()
    assert values(world, {0: 2}) == [(0, b"a"), (1, b"b")]


def test_a_moment_is_the_first_record_that_came_then_or_later_else_the_end(world: TopicWorld) -> None:
    world.produce(0, b"a")
    world.produce(0, b"b", b"c")
    found = [message for batch in world.topics.read(world.topic, {0: 3}) for message in batch]
    times_ms = [message.timestamp()[1] for message in found]
    assert world.topics.since(world.topic, 0) == {0: 0, 1: 0}
    assert world.topics.since(world.topic, times_ms[1])[0] == times_ms.index(times_ms[1])
    assert world.topics.since(world.topic, times_ms[2] + 1) == {0: 3, 1: 0}


def test_what_the_group_has_committed_is_told(world: TopicWorld) -> None:
    world.produce(1, b"a", b"b")
    assert world.topics.committed(world.topic) == {}
    world.commit(1, 2)
    assert world.topics.committed(world.topic) == {1: 2}
