"""Where dead letters are counted, shown masked and sent again, by command line and gateway alike."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from models.errors import NotFound
from models.transaction import CARD_NUMBER
from streams.codecs import NO_TRANSACTION
from streams.ledger.replays import Replays
from streams.letters import Letter, letters, masked_payload, newest_letters
from streams.log_reader import LogReader
from streams.noting import Note, noted

AT_ONCE = 500
# Produces records under their keys to a topic, and waits until Kafka has them.
Send = Callable[[str, Sequence[bytes | None], Sequence[bytes | None]], object]


@dataclass(frozen=True)
class Wanted:
    """Which letters. topic: the records' own one; all when None. since: the broker's time."""

    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None

    def takes(self, letter: Letter) -> bool:
        recent = self.since is None or letter.timestamp_ms >= self.since.timestamp() * 1000
        return recent and self.reason in (None, letter.reason)


class LetterCount(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters of one topic and reason. first, last: by Kafka's clock."""

    topic: str
    reason: str
    letters: int
    replayed: int
    partitions: list[int]
    first: str
    last: str


class ShownLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter as it may be seen: no id, amount or text of a payload."""

    topic: str
    partition: int
    offset: int
    time: str
    reason: str
    detail: str
    bytes: int
    payload: Any


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """passed_over: those that were sent before, or whose bytes were not kept."""

    sent: int
    would_send: int
    passed_over: int


class LetterDesk:
    """topics: of dead letters, by those that their records came from. log: opened for each question, as whole
    topics may be read."""

    def __init__(
        self,
        topics: Mapping[str, str],
        log: Callable[[], AbstractContextManager[LogReader]],
        replays: Replays,
        note: Note,
        send: Send,
    ) -> None:
        self._topics = topics
        self._log = log
        self._replays = replays
        self._note = note
        self._send = send

    def close(self) -> None:
        self._replays.close()

    def found(self, wanted: Wanted) -> Iterator[Letter]:
        """In the order of their offsets, partition by partition.

        Raises:
            NotFound: no such topic has dead letters.
        """
        with self._log() as log:
            for topic in self._asked(wanted):
                yield from filter(wanted.takes, letters(log, topic))

    def newest(self, wanted: Wanted, limit: int) -> list[ShownLetter]:
        """At most so many, newest first, of the last so many of each partition.

        Raises:
            NotFound: no such topic has dead letters.
        """
        with self._log() as log:
            last = [each for topic in self._asked(wanted) for each in newest_letters(log, topic, limit)]
        last.sort(key=lambda letter: letter.timestamp_ms, reverse=True)
        return [shown(letter) for letter in filter(wanted.takes, last)][:limit]

    def counts(self, wanted: Wanted) -> list[LetterCount]:
        """The most frequent first.

        Raises:
            NotFound: no such topic has dead letters.
        """
        found: dict[tuple[str, str], list[Letter]] = {}
        for letter in self.found(wanted):
            found.setdefault((letter.topic, letter.reason), []).append(letter)
        done = self._done()
        told = [_counted(kind, some, done) for kind, some in found.items()]
        return sorted(told, key=lambda each: -each.letters)

    def replay(
        self, wanted: Wanted, *, again: bool = False, dry_run: bool = False, actor: str, why: str = ""
    ) -> Replayed:
        """Send the original bytes under their original key to the topic they came from, each letter once.

        What has been sent is noted in the ledger after Kafka has it. A letter of the same key and bytes as
        one that was sent before is passed over: it would be refused again for the same reason, but for a
        label that waits once more; and so is one whose bytes were not kept, as they held a card number.
        again: that reason has been mended since, so letters of what was sent and refused again are sent too.

        Raises:
            NotFound: no such topic has dead letters.
        """
        waiting, passed = self._choose(wanted, again)
        if waiting and not dry_run:
            which = {"reason": wanted.reason, "since": wanted.since, "again": again, "letters": len(waiting)}
            what = f"dlq {wanted.topic or 'of all topics'}"
            with noted(self._note, "replay", what, which, actor=actor, why=why) as ending:
                for start in range(0, len(waiting), AT_ONCE):
                    self._send_some(waiting[start : start + AT_ONCE])
                ending["after"] = f"{len(waiting)} sent"
        return Replayed(sent=0 if dry_run else len(waiting), would_send=len(waiting), passed_over=passed)

    def _choose(self, wanted: Wanted, again: bool) -> tuple[list[Letter], int]:
        """The letters to send, and how many of those that are wanted are passed over."""
        done = self._done()
        everything = list(self.found(Wanted(wanted.topic)))
        before = [letter for letter in everything if letter.place in done and not _in_vain(letter)]
        digests = set() if again else {letter.digest for letter in before}
        waiting: list[Letter] = []
        passed = 0
        for letter in filter(wanted.takes, everything):
            if letter.place in done or letter.digest in digests or letter.reason == CARD_NUMBER:
                passed += 1
                continue
            digests |= set() if _in_vain(letter) else {letter.digest}
            waiting.append(letter)
        return waiting, passed

    def _send_some(self, some: list[Letter]) -> None:
        for topic in {letter.topic for letter in some}:
            mine = [letter for letter in some if letter.topic == topic]
            self._send(topic, [letter.key for letter in mine], [letter.value for letter in mine])
        self._replays.note([letter.place for letter in some])

    def _asked(self, wanted: Wanted) -> list[str]:
        if wanted.topic is None:
            return [*self._topics.values()]
        if wanted.topic not in self._topics:
            raise NotFound(
                f"{wanted.topic} has no dead letters",
                next_step=f"use --topic {' or --topic '.join(self._topics)}",
            )
        return [self._topics[wanted.topic]]

    def _done(self) -> set[tuple[str, int, int]]:
        return {place for topic in self._topics for place in self._replays.of(topic)}


def shown(letter: Letter) -> ShownLetter:
    return ShownLetter(
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        time=_moment(letter.timestamp_ms),
        reason=letter.reason,
        detail=letter.detail,
        bytes=len(letter.value or b""),
        payload=masked_payload(letter.value),
    )


def _counted(kind: tuple[str, str], some: Sequence[Letter], done: set[tuple[str, int, int]]) -> LetterCount:
    times_ms = [letter.timestamp_ms for letter in some]
    return LetterCount(
        topic=kind[0],
        reason=kind[1],
        letters=len(some),
        replayed=Counter(letter.place in done for letter in some)[True],
        partitions=sorted({letter.partition for letter in some}),
        first=_moment(min(times_ms)),
        last=_moment(max(times_ms)),
    )


def _in_vain(letter: Letter) -> bool:
    return letter.reason == NO_TRANSACTION


def _moment(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
