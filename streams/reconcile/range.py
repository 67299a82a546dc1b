"""Which records are looked at: by the broker's time, and below what the group has committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from streams.reconcile.ports import Offsets, Owner, Spans, Topics
from streams.topics import Partition

NOWHERE: Offsets = {}

ByTopic = Mapping[str, Offsets]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a look has ended, so that the next one may begin there; offsets by topic.

    of: the ledger and the incarnations of the topics it was made on. after: of what workers read, what was
    looked at; of what they send, what belongs to that. committed: the group's offsets, as they were read
    before anything else. seen: the ends of what workers send, as they were read after that.
    """

    of: Mapping[str, str]
    after: ByTopic
    committed: ByTopic
    seen: ByTopic


@dataclass(frozen=True, slots=True)
class Range:
    """Records that the broker took at `since` or later, and before `until`; all that the log holds when None.

    earlier: begin where an earlier look has ended.
    """

    since: datetime | None = None
    until: datetime | None = None
    earlier: Mark | None = None

    @property
    def whole(self) -> bool:
        return self == Range()

    def after(self, topic: str) -> Offsets:
        return self.earlier.after.get(topic, NOWHERE) if self.earlier else NOWHERE

    def on(self, stores: Mapping[str, str]) -> "Range":
        """From its beginning, where the earlier look was made on another ledger or other topics."""
        same = self.earlier is None or self.earlier.of == stores
        return self if same else replace(self, earlier=None)


class Span(NamedTuple):
    """Offsets of one partition: those of [start, stop) are looked at.

    first: the log's own. end: where the range ends; what lies between is not committed yet.
    """

    number: int
    first: int
    start: int
    stop: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """What is looked at of a topic that workers read."""

    topic: str
    topic_id: str
    spans: Sequence[Span]

    def partition(self, number: int) -> Partition:
        return Partition(self.topic_id, number)

    def place(self, number: int, offset: int) -> str:
        """A record's place in words."""
        return f"{self.topic}/{number}/{offset}"

    def owned(self) -> Spans:
        return {self.partition(span.number): (span.start, span.stop) for span in self.spans}

    def starting(self, at: Offsets) -> "Source":
        """The same, but not before these offsets."""
        spans = [
            span._replace(start=min(max(span.start, at.get(span.number, 0)), span.stop))
            for span in self.spans
        ]
        return Source(self.topic, self.topic_id, spans)


def holds(spans: Spans, owner: Owner) -> bool:
    """Whether a record is among those that are looked at."""
    partition, offset = owner
    start, stop = spans.get(partition, (0, 0))
    return start <= offset < stop


def source_of(log: Topics, topic: str, topic_id: str, committed: Offsets, within: Range) -> Source:
    """The spans of a range, given what was committed before."""
    since = log.since(topic, in_ms(within.since)) if within.since and not within.earlier else NOWHERE
    until = log.since(topic, in_ms(within.until)) if within.until else NOWHERE
    after = within.after(topic)
    spans = []
    for number, (first, last) in sorted(log.ends(topic).items()):
        start = max(first, since.get(number, 0), after.get(number, 0))
        end = max(min(last, until.get(number, last)), start)
        stop = max(min(end, committed.get(number, 0)), start)
        spans.append(Span(number, first, start, stop, end))
    return Source(topic, topic_id, spans)


def in_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
