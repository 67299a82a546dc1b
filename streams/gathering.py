"""Messages of the client to sweeps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from confluent_kafka import Message

from streams.arrivals import Sweep
from streams.offsets import Place


def sweep_of(topic: str, topic_id: str, messages: Sequence[Message], group: Any) -> Sweep:
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
    )


def without(sweep: Sweep, places: set[Place]) -> Sweep:
    """The sweep, less the records of some partitions."""
    gone = [number for topic, number in places if topic == sweep.topic]
    return sweep.where(~np.isin(sweep.partition, gone)) if gone else sweep
