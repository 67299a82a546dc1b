"""A partition's records in stretches of offsets without a gap, so that the ledger can be laid beside them."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from confluent_kafka import Message

from streams.reconcile.ports import Topics
from streams.reconcile.range import Span

# A gap in the log that is wider has stretches of its own, however much the ledger claims to own there.
WIDEST_GAP = 10_000


class Stretch(NamedTuple):
    """The records of the offsets [start, stop) of a partition, all that there are."""

    number: int
    start: int
    stop: int
    messages: Sequence[Message]


def stretches(log: Topics, topic: str, span: Span) -> Iterator[Stretch]:
    number, reached = span.number, span.start
    for messages in log.read(topic, {number: span.stop}, {number: span.start}):
        first, stop = messages[0].offset(), messages[-1].offset() + 1
        if first - reached > WIDEST_GAP:
            yield from _empty(number, reached, first)
            reached = first
        yield Stretch(number, reached, stop, messages)
        reached = stop
    yield from _empty(number, reached, span.stop)


def _empty(number: int, start: int, stop: int) -> Iterator[Stretch]:
    for at in range(start, stop, WIDEST_GAP):
        yield Stretch(number, at, min(at + WIDEST_GAP, stop), ())


def left_the_log(log: Topics, topic: str, number: int, offsets: AbstractSet[int]) -> AbstractSet[int]:
    """Those of the offsets that have expired by now, though the log held them when the range was taken."""
    if not offsets:
        return offsets
    first, _ = log.ends(topic)[number]
    return {offset for offset in offsets if offset < first}
