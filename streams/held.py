"""Partitions that are read no further for now. Belongs to the poller's thread."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import TopicPartition

from streams.offsets import Offsets, Place


class HeldPartitions:
    """Each is paused at an offset, and read from there once it is released."""

    def __init__(self) -> None:
        self._at: dict[Place, int] = {}

    def __contains__(self, place: object) -> bool:
        return place in self._at

    def now(self) -> dict[Place, int]:
        """A copy, for other threads too."""
        return dict(self._at)

    def hold(self, consumer: Any, offsets: Offsets) -> None:
        self._at |= offsets
        consumer.pause([TopicPartition(*place) for place in offsets])
        self._seek(consumer, offsets)

    def release(self, consumer: Any, places: Iterable[Place]) -> None:
        released = {place: self._at.pop(place) for place in list(places) if place in self._at}
        if released:
            self._seek(consumer, released)
            consumer.resume([TopicPartition(*place) for place in released])

    def clear(self, consumer: Any) -> None:
        """Hold none any more; where they are read on is somebody else's to say."""
        consumer.resume([TopicPartition(*place) for place in self._at])
        self._at.clear()

    def drop(self, places: Iterable[Place]) -> None:
        """They belong to another worker now."""
        for place in places:
            self._at.pop(place, None)

    def _seek(self, consumer: Any, offsets: Offsets) -> None:
        for place, offset in offsets.items():
            consumer.seek(TopicPartition(*place, offset))
