"""Where a worker starts to read a partition that it has been given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import TopicPartition

from models.errors import LogBehindLedger, LogExpired, OffsetsMissing, TopicRemade
from streams.offsets import Place

Positions = Callable[[str, Sequence[int]], Mapping[int, int]]  # topic id and partitions to progress


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a partition at assignment.

    committed: the group's offset, None if there is none. progress: the ledger's. first, last: the log holds
    the offsets [first, last).
    """

    topic: str
    number: int
    committed: int | None
    progress: int
    first: int
    last: int


def check_incarnations(known: Mapping[str, str], now: Mapping[str, str]) -> None:
    """
    Raises:
        TopicRemade: Kafka's id of a topic is another one by now.
    """
    if now != known:
        raise TopicRemade(
            "a topic was made again while it was read", next_step="restart the worker: it begins anew"
        )


def starting_offsets(
    consumer: Any,
    places: Sequence[Place],
    topic_ids: Mapping[str, str],
    progress: Positions,
    timeout_s: float,
    settle_timeout_s: float,
) -> dict[Place, int]:
    """Where to start with each of these partitions. Raises as `starting_offset` does.

    settle_timeout_s: how long to wait for transactions in flight, such as a dead worker has left, to end.
    """
    # The progress first: another worker may settle meanwhile, and what is read later may only know more.
    settled = {place: progress(topic_ids[place[0]], [place[1]])[place[1]] for place in places}
    starts = {}
    for each in consumer.committed([TopicPartition(*place) for place in places], settle_timeout_s):
        first, last = consumer.get_watermark_offsets(each, timeout_s)
        standing = Standing(
            each.topic,
            each.partition,
            each.offset if each.offset >= 0 else None,
            settled[each.topic, each.partition],
            first,
            last,
        )
        starts[each.topic, each.partition] = starting_offset(standing)
    return starts


def starting_offset(standing: Standing) -> int:
    """The smaller of committed offset and progress; it is committed before the first sweep.

    Committed offsets go back here alone: after a ledger has been restored to an earlier state.

    Raises:
        LogBehindLedger: the log ends before what the ledger has settled.
        OffsetsMissing: nothing was ever committed, yet the ledger has settled records.
        LogExpired: records that were not settled, or whose alerts may not be out, are no longer in the log.
    """
    where = f"{standing.topic} partition {standing.number}"
    if standing.last < standing.progress:
        raise LogBehindLedger(
            f"{where} ends at offset {standing.last}, and the ledger has settled {standing.progress}",
            why="the log lost records, or this ledger belongs to another Kafka",
            next_step="fraudml doctor",
        )
    if standing.committed is None:
        return _start_of_a_new_group(standing, where)
    start = min(standing.committed, standing.progress)
    if start < standing.first:
        raise LogExpired(
            f"{where} begins at offset {standing.first}, and {start} is needed",
            why="records expired before they were decided",
            next_step="raise the topic's retention; then fraudml doctor",
        )
    return start


def _start_of_a_new_group(standing: Standing, where: str) -> int:
    if standing.progress > 0:
        raise OffsetsMissing(
            f"the group has no committed offset for {where}, and the ledger has settled {standing.progress}",
            why="the offsets expired, or the group has another name",
            next_step="set the offsets of the group to what it had committed, at most the ledger's progress",
        )
    return standing.first
