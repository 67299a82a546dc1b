"""Messages of the client to sweeps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from confluent_kafka import Message

from streams.arrivals import Headers, Sweep
from streams.lanes import Lanes
from streams.offsets import Place


def sweep_of(
    topic: str, topic_id: str, messages: Sequence[Message], group: Any, assignment: int = 0
) -> Sweep:
    """Messages of one topic as columns."""
    count = len(messages)
    return Sweep(
        topic,
        topic_id,
        np.fromiter((message.partition() for message in messages), np.int64, count),
        np.fromiter((message.offset() for message in messages), np.int64, count),
        np.fromiter((message.timestamp()[1] for message in messages), np.int64, count),
        [message.key() for message in messages],
        [message.value() for message in messages],
        group,
        _headers_of(messages),
        assignment,
    )


def _headers_of(messages: Sequence[Message]) -> Sequence[Headers]:
    found = [message.headers() for message in messages]
    return found if any(found) else ()


def turn_of(waiting: Mapping[Place, Sequence[Message]], lanes: Lanes) -> list[Place]:
    """The partitions whose records may go on now: none that is under way, and of a backlog one lane's share.

    What is left of a backlog makes a sweep for each other lane that is free, if there is enough for two. Few
    records wait for a small sweep that is under way: two at once take each other's core, and each costs what
    it costs, however few records it has.
    """
    busy = lanes.places
    free = [place for place in waiting if place not in busy]
    backlogs = sum(len(waiting[place]) for place in free) // lanes.few
    if not backlogs:
        return [] if lanes.prompt else free
    return free[: -(-len(free) // min(lanes.free, backlogs))]


def sweeps_of(
    topic_ids: Mapping[str, str], messages: Sequence[Message], group: Any, assignment: int
) -> list[Sweep]:
    """One sweep for each topic that has messages, in the order of the topics."""
    mine = {topic: [each for each in messages if each.topic() == topic] for topic in topic_ids}
    return [
        sweep_of(topic, topic_ids[topic], found, group, assignment) for topic, found in mine.items() if found
    ]


def held_records(waiting: Mapping[Place, Sequence[Message]], sweeps: Sequence[Sweep]) -> Counter[Place]:
    """How many records of each partition these hold."""
    held = Counter({place: len(found) for place, found in waiting.items()})
    for sweep in sweeps:
        held.update((sweep.topic, number) for number in sweep.partition.tolist())
    return held


def without(sweep: Sweep, places: set[Place]) -> Sweep:
    """The sweep, less the records of some partitions."""
    gone = [number for topic, number in places if topic == sweep.topic]
    return sweep.where(~np.isin(sweep.partition, gone)) if gone else sweep
