"""Dead letters read back: where each came from and why, and how much of it may be shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from confluent_kafka import Message

from streams.log_reader import LogReader

SHOWN_END = 2  # characters of a text that stay readable, where it is long enough to hide behind them
HIDES_FROM = 6
DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. place: the record's topic id, partition and offset. timestamp_ms: the broker's."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    timestamp_ms: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None

    @property
    def place(self) -> tuple[str, int, int]:
        return (self.topic_id, self.partition, self.offset)

    @property
    def digest(self) -> str:
        """The same for the same key and bytes."""
        return sha256(repr((self.key, self.value)).encode()).hexdigest()


def letters(log: LogReader, topic: str) -> Iterator[Letter]:
    """The letters of a dead-letter topic, each place once, in offset order within its partition."""
    return _letters(log, topic, None)


def newest_letters(log: LogReader, topic: str, most: int) -> Iterator[Letter]:
    """The same, of the last so many offsets of each partition: some of these hold none."""
    return _letters(log, topic, most)


def _letters(log: LogReader, topic: str, most: int | None) -> Iterator[Letter]:
    ends = {number: last for number, (_, last) in log.ends(topic).items()}
    starts = {number: 0 if most is None else max(0, last - most) for number, last in ends.items()}
    seen: set[tuple[str, int, int]] = set()
    for messages in log.read(topic, ends, starts):
        for message in messages:
            letter = letter_of(message)
            if letter.place not in seen:
                seen.add(letter.place)
                yield letter


def letter_of(message: Message) -> Letter:
    headers = {name: (raw or b"").decode() for name, raw in message.headers() or ()}
    return Letter(
        headers["source_topic"],
        headers["source_topic_id"],
        int(headers["source_partition"]),
        int(headers["source_offset"]),
        int(headers["source_timestamp"]),
        headers["reason"],
        headers["detail"],
        message.key(),
        message.value(),
    )


def masked_payload(value: bytes | None) -> Any:
    """The shape of a payload: names of fields stay, what they hold does not."""
    if value is None:
        return None
    try:
        document = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {"bytes": len(value), "sha256": sha256(value).hexdigest()[:12]}
    return _masked(document, DEEPEST)


def _masked(found: Any, depth: int) -> Any:
    if isinstance(found, dict) and depth:
        return {name[:64]: _masked(each, depth - 1) for name, each in found.items()}
    if isinstance(found, list) and depth:
        return [_masked(each, depth - 1) for each in found[:8]]
    if isinstance(found, str):
        return "****" + (found[-SHOWN_END:] if len(found) >= HIDES_FROM else "")
    return None if found is None else f"<{type(found).__name__}>"
