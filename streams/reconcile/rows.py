"""R1, R2: every transaction has one row, and every row one transaction. Log and ledger, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.archived import ArchivedDecision
from models.transaction import comparable
from streams.codecs import TransactionCodec
from streams.gathering import sweep_of
from streams.reconcile.answers import AnswerCheck
from streams.reconcile.check import Check
from streams.reconcile.comparison import Decoded, compared
from streams.reconcile.conservation import Tally
from streams.reconcile.ports import Books, Decided, Topics, TransactionBody, what_is_the_same
from streams.reconcile.range import Source, Span
from streams.reconcile.standing import standing
from streams.reconcile.stretches import Stretch, left_the_log, stretches


@dataclass(frozen=True)
class RowCheck:
    """The records below the committed offsets: each has its own row, another's, or a dead letter.

    answers: looks at the same records, as they are read but once.
    """

    log: Topics
    books: Books
    codec: TransactionCodec
    source: Source
    check: Check
    answers: AnswerCheck

    def look(self, span: Span) -> Tally:
        tally = Tally(self.source.topic, span.number, span.start, span.stop)
        for stretch in stretches(self.log, self.source.topic, span):
            self._look(stretch, tally)
            self.check.checked += len(stretch.messages)
        return tally

    def _look(self, stretch: Stretch, tally: Tally) -> None:
        here = (self.source.partition(stretch.number), stretch.start, stretch.stop)
        found = self._looked_at(stretch)
        rows = self.books.rows(*here)
        seen = compared(found, rows, self.books.dead(*here))
        tally.records += len(stretch.messages)
        tally.own += len(seen.own)
        tally.dead += len(seen.dead)
        for offset in sorted(seen.both):
            self._wrong(tally, offset, "has both a row and a dead letter")
        for offset in sorted(seen.differing):
            self._wrong(tally, offset, _difference(found.bodies[offset], rows[offset]))
        for offset in sorted(seen.refused):
            self._wrong(tally, offset, "is malformed, and was not set aside")
        self._elsewhere({offset: found.bodies[offset] for offset in sorted(seen.rest)}, tally)
        expired = left_the_log(self.log, self.source.topic, stretch.number, seen.without_record)
        tally.expired += len(expired)
        for offset in sorted(seen.without_record - expired):
            owner = f"row {rows[offset][0]}" if offset in rows else "a dead letter"
            self.check.find(f"{owner} has no record at {self.source.place(stretch.number, offset)}")

    def _looked_at(self, stretch: Stretch) -> Decoded[TransactionBody]:
        messages, source = stretch.messages, self.source
        sweep = sweep_of(source.topic, source.topic_id, messages, None)
        batch, dead = self.codec.decode(sweep)
        self.answers.look(sweep, batch)
        bodies = zip(
            batch.transaction_id,
            batch.customer_id,
            batch.terminal_id,
            batch.amount_minor.tolist(),
            batch.event_time_ms.tolist(),
            [self.codec.currency] * len(batch),
            map(comparable, batch.attributes),
            strict=True,
        )
        offsets = batch.offset.tolist()
        return Decoded(dict(zip(offsets, bodies, strict=True)), {letter.offset for letter in dead})

    def _elsewhere(self, bodies: Mapping[int, TransactionBody], tally: Tally) -> None:
        """Records without anything of their own: duplicates, if their ids are decided."""
        known = standing(self.books, [body[0] for body in bodies.values()])
        for offset, body in bodies.items():
            held = known.get(body[0])
            if isinstance(held, ArchivedDecision):
                tally.archived += 1
                tally.conflicts += not held.fits(what_is_the_same(body))
                continue
            if why := self._unanswered(tally.partition, offset, body, held):
                self._wrong(tally, offset, f"({body[0]}) {why}")
                continue
            tally.repeated += 1
            tally.conflicts += held is not None and held.body != body

    def _unanswered(self, number: int, offset: int, body: TransactionBody, held: Decided | None) -> str:
        """Why another's row is no answer to a record; empty if it is one."""
        if held is None:
            return "has no row"
        if held.owner is None:
            # The first record of the same body claims what REST decided.
            return "has not claimed its row" if held.body == body else ""
        partition, owner = held.owner
        later = partition == self.source.partition(number) and owner > offset
        first = held.row.path == "stream" or held.body == body
        return "came first, and a later record owns its row" if later and first else ""

    def _wrong(self, tally: Tally, offset: int, what: str) -> None:
        tally.wrong += 1
        self.check.find(f"transaction {self.source.place(tally.partition, offset)} {what}")


def _difference(sent: TransactionBody, kept: TransactionBody) -> str:
    if sent[0] != kept[0]:
        return f"({sent[0]}) has the row of {kept[0]}"
    return f"({sent[0]}) has a row with another body"
