"""R4 for dead letters: whatever was set aside has gone out once, and nothing else has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from confluent_kafka import Message

from streams.letters import Letter
from streams.reconcile.check import Check
from streams.reconcile.fingerprint import Fingerprint, differences
from streams.reconcile.outputs import Output, Repeats, letter_in
from streams.reconcile.ports import Books, Owner, Topics
from streams.reconcile.range import Source, holds
from streams.topics import Partition

OFFSETS_AT_ONCE = 50_000

Judge = Callable[[Message, Letter | None, bool], None]


@dataclass(frozen=True)
class LetterCheck:
    """Dead letters by the place of their record, against those that the ledger has recorded."""

    log: Topics
    books: Books
    source: Source
    output: Output
    check: Check
    repeats: Repeats

    def look(self) -> None:
        seen, wanted = Fingerprint(self._seen(self._judge)), Fingerprint(self._wanted())
        for found in differences(seen, wanted, (lambda: self._seen(_take), self._wanted)):
            if not found.wanted:
                self.check.find(f"a dead letter of {found.name} is out, and none is recorded")
            else:
                letters = f"{found.seen} times" if found.seen else "nowhere"
                self.check.find(f"the dead letter of {found.name} is out {letters}")

    def _seen(self, judge: Judge) -> Iterator[str]:
        owned = self.source.owned()
        for messages in self.output.read(self.log):
            for message in messages:
                letter = letter_in(message)
                former = letter is not None and self.output.is_former(message, _owner(letter))
                judge(message, letter, former)
                if letter and not former and holds(owned, _owner(letter)):
                    yield self.source.place(letter.partition, letter.offset)

    def _wanted(self) -> Iterator[str]:
        for partition, (start, stop) in self.source.owned().items():
            for at in range(start, stop, OFFSETS_AT_ONCE):
                for offset in self.books.dead(partition, at, min(at + OFFSETS_AT_ONCE, stop)):
                    yield self.source.place(partition.number, offset)

    def _judge(self, message: Message, letter: Letter | None, former: bool) -> None:
        self.check.checked += 1
        self.repeats.dead_letters += former
        if former:
            return
        if letter is None:
            place = f"{self.output.topic}/{message.partition()}/{message.offset()}"
            self.check.find(f"{place} holds no dead letter of ours")
        elif self.output.is_again(message, _owner(letter)):
            place = self.source.place(letter.partition, letter.offset)
            self.check.find(f"the dead letter of {place} has been sent again")


def _take(message: Message, letter: Letter | None, former: bool) -> None:
    """It was judged before."""


def _owner(letter: Letter) -> Owner:
    return Partition(letter.topic_id, letter.partition), letter.offset
