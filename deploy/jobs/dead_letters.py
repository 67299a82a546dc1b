"""Dead letters: counted, shown masked, and sent again."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.jobs.connections import log_of
from deploy.jobs.noting import noted
from load.producer import Pusher
from models.errors import NotFound
from models.transaction import CARD_NUMBER
from streams.codecs import NO_TRANSACTION
from streams.kafka import producer_config
from streams.ledger.replays import Replays
from streams.letters import Letter, letters, masked_payload
from streams.settings import Settings

AT_ONCE = 500


@dataclass(frozen=True)
class Wanted:
    """Which letters. topic: the records' own one; all when None. since: the broker's time."""

    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None

    def takes(self, letter: Letter) -> bool:
        recent = self.since is None or letter.timestamp_ms >= self.since.timestamp() * 1000
        return recent and self.reason in (None, letter.reason)


def found_letters(settings: Settings, wanted: Wanted) -> Iterator[Letter]:
    """
    Raises:
        NotFound: no such topic has dead letters.
    """
    topics = (settings.transactions_topic, settings.labels_topic)
    if wanted.topic not in (None, *topics):
        raise NotFound(
            f"{wanted.topic} has no dead letters", next_step=f"use --topic {' or --topic '.join(topics)}"
        )
    with log_of(settings) as log:
        for topic in topics:
            if wanted.topic in (None, topic):
                yield from filter(wanted.takes, letters(log, settings.dead_letter_topic(topic)))


def count_letters(settings: Settings, wanted: Wanted) -> list[dict[str, Any]]:
    """One entry per topic and reason, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    partitions: dict[tuple[str, str], set[int]] = {}
    times: dict[tuple[str, str], list[int]] = {}
    with _replays(settings) as replays:
        replayed = {place for topic in _topics(settings) for place in replays.of(topic)}
    again: Counter[tuple[str, str]] = Counter()
    for letter in found_letters(settings, wanted):
        kind = (letter.topic, letter.reason)
        counts[kind] += 1
        again[kind] += letter.place in replayed
        partitions.setdefault(kind, set()).add(letter.partition)
        first, last = times.get(kind, [letter.timestamp_ms, letter.timestamp_ms])
        times[kind] = [min(first, letter.timestamp_ms), max(last, letter.timestamp_ms)]
    return [
        {
            "topic": topic,
            "reason": reason,
            "letters": count,
            "replayed": again[topic, reason],
            "partitions": sorted(partitions[topic, reason]),
            "first": _moment(times[topic, reason][0]),
            "last": _moment(times[topic, reason][1]),
        }
        for (topic, reason), count in counts.most_common()
    ]


def shown_letters(settings: Settings, wanted: Wanted, limit: int) -> Iterator[dict[str, Any]]:
    """Letters as they may be seen: no id, amount or text of a payload."""
    for number, letter in enumerate(found_letters(settings, wanted)):
        if number == limit:
            return
        yield {
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "time": _moment(letter.timestamp_ms),
            "reason": letter.reason,
            "detail": letter.detail,
            "bytes": len(letter.value or b""),
            "payload": masked_payload(letter.value),
        }


def replay_letters(
    settings: Settings,
    wanted: Wanted,
    *,
    again: bool = False,
    dry_run: bool = False,
    who: str | None = None,
    why: str = "",
) -> dict[str, int]:
    """Send the original bytes under their original key to the topic they came from, each letter once.

    What has been sent is noted in the ledger after Kafka has it. A letter of the same key and bytes as one
    that was sent before is passed over: it would be refused again for the same reason, but for a label that
    waits once more; and so is one whose bytes were not kept, as they held a card number. again: that reason
    has been mended since, so letters of what was sent and refused again are sent too.
    """
    with _replays(settings) as replays:
        waiting, passed = _choose(settings, wanted, replays, again)
        if waiting and not dry_run:
            _replay(settings, wanted, replays, waiting, again=again, who=who, why=why)
    sent = 0 if dry_run else len(waiting)
    return {"sent": sent, "would_send": len(waiting), "passed_over": passed}


def _choose(settings: Settings, wanted: Wanted, replays: Replays, again: bool) -> tuple[list[Letter], int]:
    """The letters to send, and how many of those that are wanted are passed over."""
    done = {place for topic in _topics(settings) for place in replays.of(topic)}
    everything = list(found_letters(settings, Wanted(wanted.topic)))
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


def _replay(
    settings: Settings, wanted: Wanted, replays: Replays, waiting: list[Letter], *, again: bool, **by: Any
) -> None:
    pusher = Pusher(producer_config(settings, "dlq"), clock=time.monotonic, sleep=time.sleep)
    which = {"reason": wanted.reason, "since": wanted.since, "again": again, "letters": len(waiting)}
    with noted(settings, "replay", f"dlq {wanted.topic or 'of all topics'}", which, **by) as ending:
        for start in range(0, len(waiting), AT_ONCE):
            _send(pusher, replays, waiting[start : start + AT_ONCE])
        ending["after"] = f"{len(waiting)} sent"


def _send(pusher: Pusher, replays: Replays, some: list[Letter]) -> None:
    for topic in {letter.topic for letter in some}:
        mine = [letter for letter in some if letter.topic == topic]
        pusher.send(topic, [letter.key for letter in mine], [letter.value for letter in mine])
    replays.note([letter.place for letter in some])


def _in_vain(letter: Letter) -> bool:
    return letter.reason == NO_TRANSACTION


def _topics(settings: Settings) -> tuple[str, str]:
    return (settings.transactions_topic, settings.labels_topic)


@contextmanager
def _replays(settings: Settings) -> Iterator[Replays]:
    replays = Replays(settings.database_url, settings.ledger_timeout_s)
    try:
        yield replays
    finally:
        replays.close()


def _moment(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
