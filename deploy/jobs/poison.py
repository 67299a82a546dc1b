"""Partitions that a flood of malformed records has stopped: which they are, and letting them go on."""

from collections.abc import Iterator
from typing import Any

from confluent_kafka import Message

from deploy.jobs.connections import ids_of_topics, ledger_of, log_of
from deploy.jobs.noting import noted
from models.errors import Misuse, NotFound
from streams.arrivals import DeadLetter, Sweep
from streams.codecs import TransactionCodec, decode_labels
from streams.gathering import sweep_of
from streams.log_reader import LogReader
from streams.poison import PoisonGate, PoisonLimit
from streams.settings import Settings
from streams.topics import Partition


def stopped_partitions(settings: Settings) -> list[dict[str, Any]]:
    """Judged as a worker does: by the next record of each partition, and by those before it."""
    limit = PoisonLimit(settings.poison_share, settings.poison_in_a_row)
    with ledger_of(settings) as ledger, log_of(settings) as log:
        gate = PoisonGate(ledger, limit, lambda topic, stops: None)
        return [
            {
                "topic": sweep.topic,
                "partition": int(sweep.partition[0]),
                "offset": int(sweep.offset[0]),
                "waiting": end - int(sweep.offset[0]),
                "reason": dead[0].reason,
                "detail": dead[0].detail,
            }
            for sweep, end in _next_sweeps(settings, ledger, log)
            if gate.stops(sweep, dead := _malformed(settings, sweep))
        ]


def _next_sweeps(settings: Settings, ledger: Any, log: LogReader) -> Iterator[tuple[Sweep, int]]:
    """The first record of each partition that is not settled, and where its partition ends."""
    for topic, topic_id in ids_of_topics(settings).items():
        ends = log.ends(topic)
        progress = ledger.progress(topic_id, list(ends))
        for number, (_, end) in ends.items():
            message = _first(log, topic, number, progress[number], end)
            if message is not None:
                yield sweep_of(topic, topic_id, [message], None), end


def _first(log: LogReader, topic: str, number: int, start: int, end: int) -> Message | None:
    for messages in log.read(topic, {number: end}, {number: start}):
        return messages[0]
    return None


def _malformed(settings: Settings, sweep: Sweep) -> list[DeadLetter]:
    ahead_ms = int(settings.clock_ahead_s * 1000)
    if sweep.topic == settings.labels_topic:
        return decode_labels(sweep, ahead_ms)[1]
    return TransactionCodec(settings.currency, ahead_ms).decode(sweep)[1]


def allow_poison(
    settings: Settings, topic: str, number: int, until: int | None, *, who: str | None, why: str
) -> int:
    """Let whatever is malformed below an offset become dead letters; that offset, by default the log's end.

    Raises:
        NotFound: there is no such topic or partition.
        Misuse: the offset lies behind the log's end.
    """
    ids = ids_of_topics(settings)
    if topic not in ids:
        raise NotFound(f"no worker reads {topic}", next_step=f"use --topic {' or --topic '.join(ids)}")
    with log_of(settings) as log:
        ends = log.ends(topic)
    if number not in ends:
        raise NotFound(f"{topic} has no partition {number}", next_step=f"it has {len(ends)}, from 0 on")
    end = ends[number][1]
    if until is not None and until > end:
        raise Misuse(
            f"{topic} partition {number} ends at offset {end:,}",
            why="what is still to come cannot have been looked at",
            next_step="leave --until out to let pass what is there now",
        )
    offset = end if until is None else until
    allowing = noted(settings, "allow", f"dlq {topic}/{number}", {}, who=who, why=why)
    with allowing as ending, ledger_of(settings) as ledger:
        ledger.allow_poison(topic, Partition(ids[topic], number), offset)
        ending["after"] = f"offset {offset}"
    return offset
