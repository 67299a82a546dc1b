"""A partition's records in stretches of offsets without a gap, so that the ledger can be laid beside them."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import NamedTuple

from confluent_kafka import Message

from streams.reconcile.ports import Topics
from streams.reconcile.range import Span

# A gap that is wider has stretches of its own, however much the ledger claims to own there.
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
        for some in _close_together(messages):
            first, stop = some[0].offset(), some[-1].offset() + 1
            if first - reached > WIDEST_GAP:
                yield from _empty(number, reached, first)
                reached = first
            yield Stretch(number, reached, stop, some)
            reached = stop
    yield from _empty(number, reached, span.stop)


def _close_together(messages: Sequence[Message]) -> list[Sequence[Message]]:
    """Parts that span no more than the widest gap: nearly always it is one."""
    if messages[-1].offset() - messages[0].offset() < WIDEST_GAP:
        return [messages]
    return [list(some) for _, some in groupby(messages, lambda each: each.offset() // WIDEST_GAP)]


def _empty(number: int, start: int, stop: int) -> Iterator[Stretch]:
    for at in range(start, stop, WIDEST_GAP):
        yield Stretch(number, at, min(at + WIDEST_GAP, stop), ())


def left_the_log(log: Topics, topic: str, number: int, offsets: AbstractSet[int]) -> AbstractSet[int]:
    """Those of the offsets that have expired by now, though the log held them when the range was taken."""
    if not offsets:
        return offsets
    first, _ = log.ends(topic)[number]
    return {offset for offset in offsets if offset < first}
