"""What workers have sent: the part of a topic that belongs to a range of records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from confluent_kafka import Message

from streams.letters import Letter, letter_of
from streams.reconcile.ports import Offsets, Owner, Restored, Spans, Topics
from streams.reconcile.range import NOWHERE, Range, Source, holds, in_ms

# Brokers' clocks may differ by so much.
CLOCKS_APART = timedelta(minutes=1)


@dataclass
class Repeats:
    """What a ledger that was restored since had sent already: it has been sent again, or will be."""

    alerts: int = 0
    dead_letters: int = 0


class Output(NamedTuple):
    """What workers have sent to a topic, from some offsets on, to where it ended.

    seen: where an earlier look has ended. done: what the group had committed then, so that nothing after
    `seen` can be of these records. restores: of the ledger.
    """

    topic: str
    starts: Offsets
    ends: Offsets
    seen: Offsets
    done: Spans
    restores: Sequence[Restored] = ()

    def read(self, log: Topics) -> Iterator[list[Message]]:
        return log.read(self.topic, self.ends, self.starts)

    def is_again(self, message: Message, owner: Owner) -> bool:
        """Whether this was sent for a record that had been seen to be done before."""
        late = message.offset() >= self.seen.get(message.partition(), message.offset() + 1)
        return late and holds(self.done, owner)

    def is_former(self, message: Message, owner: Owner | None) -> bool:
        """Whether this was sent by a former ledger, for a record that the restored one knew nothing of."""
        number, offset = message.partition(), message.offset()
        return any(
            offset < each.sent.get(self.topic, NOWHERE).get(number, 0) and each.forgot(owner)
            for each in self.restores
        )


def output_of(
    log: Topics, topic: str, source: Source, within: Range, restores: Sequence[Restored] = ()
) -> Output:
    """What may have been sent for a range: after its records came, and to the end as it is now."""
    starts, earlier = within.after(topic), within.earlier
    if within.since is not None and earlier is None:
        starts = log.since(topic, in_ms(within.since - CLOCKS_APART))
    committed = earlier.committed.get(source.topic, NOWHERE) if earlier else NOWHERE
    done = {source.partition(number): (0, offset) for number, offset in committed.items()}
    seen = earlier.seen.get(topic, NOWHERE) if earlier else NOWHERE
    # What is committed may not show for a moment: whatever was written is waited for.
    return Output(topic, starts, log.written(topic), seen, done, restores)


def letter_in(message: Message) -> Letter | None:
    """The dead letter that a record is, if it is one of ours."""
    try:
        return letter_of(message)
    except (KeyError, ValueError):
        return None
