"""R1, R2 for labels: each record was taken, waits, repeats what is known, was set aside, or came again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.errors import MalformedLabel
from models.label import decode_label
from streams.reconcile.check import Check
from streams.reconcile.comparison import Comparison, Decoded, compared
from streams.reconcile.conservation import Tally
from streams.reconcile.ports import Books, LabelBody, LabelKey, Topics
from streams.reconcile.range import Source, Span
from streams.reconcile.returned import Open, ReturnedLabels
from streams.reconcile.stretches import Stretch, left_the_log, stretches

MOST_OPEN = 10_000


@dataclass
class LabelCheck:
    """The records of labels below the committed offsets.

    A label that was parked and produced again leaves nothing at its place. Where its copy is not known as a
    label either, the copy itself must be found: such labels stay open until some have come together.
    """

    log: Topics
    books: Books
    source: Source
    returned: ReturnedLabels
    check: Check
    _open: list[Open] = field(default_factory=list)

    def look(self, span: Span) -> Tally:
        tally = Tally(self.source.topic, span.number, span.start, span.stop)
        for stretch in stretches(self.log, self.source.topic, span):
            self._look(stretch, tally)
            self.check.checked += len(stretch.messages)
            if len(self._open) >= MOST_OPEN:
                self.settle()
        return tally

    def settle(self) -> None:
        """Find the copies of what is open; what has none is lost."""
        found = self.returned.latest({each.key for each in self._open}) if self._open else {}
        for each in self._open:
            if found[each.key] >= each.timestamp_ms:
                each.tally.returned += 1
            else:
                self._wrong(each.tally, each.offset, f"({_words(each.key)}) has left no trace")
        self._open.clear()

    def _look(self, stretch: Stretch, tally: Tally) -> None:
        here = (self.source.partition(stretch.number), stretch.start, stretch.stop)
        found = _decoded(stretch)
        parked = self.books.parked(*here)
        rows = self.books.accepted(*here)
        seen = compared(found, rows, self.books.dead(*here))
        tally.records += len(stretch.messages)
        twice = seen.both | (parked.keys() & (seen.own | seen.differing | seen.dead))
        tally.own += len(seen.own - twice)
        tally.dead += len(seen.dead - twice)
        for offset in sorted(twice):
            self._wrong(tally, offset, "is recorded as more than one thing")
        for offset in sorted(seen.differing - twice):
            self._wrong(tally, offset, f"({_words(found.bodies[offset][:2])}) was taken as something else")
        for offset in sorted(seen.refused - parked.keys()):
            self._wrong(tally, offset, "is malformed, and was not set aside")
        self._waiting(seen, found, parked, tally)
        self._elsewhere(
            stretch, {at: found.bodies[at][:2] for at in sorted(seen.rest - parked.keys())}, tally
        )
        self._without_record(stretch, seen, parked, tally)

    def _waiting(
        self, seen: Comparison, found: Decoded[LabelBody], parked: Mapping[int, LabelKey], tally: Tally
    ) -> None:
        tally.parked += len(seen.refused & parked.keys())
        for offset in sorted(seen.rest & parked.keys()):
            key = found.bodies[offset][:2]
            if parked[offset] == key:
                tally.parked += 1
            else:
                self._wrong(tally, offset, f"({_words(key)}) waits as {_words(parked[offset])}")

    def _elsewhere(self, stretch: Stretch, keys: Mapping[int, LabelKey], tally: Tally) -> None:
        """Labels with nothing at their place: known from another one, or open."""
        if not keys:
            return
        # First what waits: a label that ceases to wait meanwhile is known by then, or was produced again.
        known = self.books.waiting(list(keys.values()))
        known |= self.books.labelled(list(keys.values()))
        times_ms = {message.offset(): message.timestamp()[1] for message in stretch.messages}
        for offset, key in keys.items():
            if key in known:
                tally.repeated += 1
            else:
                self._open.append(Open(key, offset, times_ms[offset], tally))

    def _without_record(
        self, stretch: Stretch, seen: Comparison, parked: Mapping[int, LabelKey], tally: Tally
    ) -> None:
        records = {message.offset() for message in stretch.messages}
        offsets = seen.without_record | (parked.keys() - records)
        expired = left_the_log(self.log, self.source.topic, stretch.number, offsets)
        tally.expired += len(expired & seen.without_record)
        for offset in sorted(offsets - expired):
            self.check.find(f"what is recorded of label {self._place(tally, offset)} has no record there")

    def _place(self, tally: Tally, offset: int) -> str:
        return self.source.place(tally.partition, offset)

    def _wrong(self, tally: Tally, offset: int, what: str) -> None:
        tally.wrong += 1
        self.check.find(f"label {self._place(tally, offset)} {what}")


def _decoded(stretch: Stretch) -> Decoded[LabelBody]:
    bodies: dict[int, LabelBody] = {}
    refused: set[int] = set()
    for message in stretch.messages:
        try:
            found = decode_label(message.value())
        except MalformedLabel:
            refused.add(message.offset())
            continue
        verdict = (found.label_id, found.label, found.source, found.event_time)
        bodies[message.offset()] = (found.transaction_id, found.version, *verdict)
    return Decoded(bodies, refused)


def _words(key: LabelKey) -> str:
    return f"version {key[1]} of {key[0]}"
