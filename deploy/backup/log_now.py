"""Kafka's topics beside a ledger: how much waits, how much is read again, and whether it is the same log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploy.backup.errors import OtherLog
from deploy.backup.manifest import Manifest
from deploy.jobs.connections import ids_of_topics, log_of
from deploy.stack.waiting import TimedOut, until
from models.errors import KafkaUnavailable
from streams.reconcile.ports import Restored
from streams.settings import Settings
from streams.topics import Partition

Ends = Mapping[int, tuple[int, int]]  # first offset, and the one after the last
KAFKA_WITHIN_S = 30.0
NEW_LOG = "fraudml restore --new-log, if the old topics are lost for good"


@dataclass(frozen=True)
class LogNow:
    """ids, ends, committed: of the two topics that workers read. sent: where those end that they send to."""

    ids: Mapping[str, str]
    ends: Mapping[str, Ends]
    committed: Mapping[str, Mapping[int, int]]
    sent: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def restored(self, progress: Mapping[Partition, int]) -> Restored:
        """What a ledger that is put back to this progress has to know."""
        here = {Partition(self.ids[topic], number): 0 for topic, of in self.ends.items() for number in of}
        return Restored({**here, **progress}, self.sent)

    def read_again(self, progress: Mapping[Partition, int]) -> dict[str, int]:
        """By topic, offsets that the group had done and the restored ledger has not."""
        return {
            topic: sum(
                max(0, done - progress.get(Partition(self.ids[topic], number), 0))
                for number, done in committed.items()
            )
            for topic, committed in self.committed.items()
        }


def log_now(settings: Settings) -> LogNow:
    """Waits a little for a Kafka that has just started.

    Raises:
        KafkaUnavailable: it does not answer.
        NotFound: a topic is not there.
    """
    try:
        return until(lambda: _looked_at(settings), within_s=KAFKA_WITHIN_S)
    except TimedOut as late:
        raise late.last or KafkaUnavailable("Kafka does not answer", next_step="fraudml status") from None


def _looked_at(settings: Settings) -> LogNow:
    ids = ids_of_topics(settings)
    outputs = (settings.alerts_topic, *settings.dead_letter_topics.values())
    with log_of(settings) as log:
        return LogNow(
            ids,
            {topic: log.ends(topic) for topic in ids},
            {topic: log.committed(topic) for topic in ids},
            {topic: log.written(topic) for topic in outputs},
        )


def progress_of(manifest: Manifest) -> dict[Partition, int]:
    return {Partition(each.topic_id, each.partition): each.next_offset for each in manifest.positions}


def refuse_another_log(manifest: Manifest, now: LogNow, new_log: bool) -> None:
    """Whether the log that is there is the one that this ledger goes on from, as it was said to be.

    Raises:
        OtherLog: it is not; or it is, and was said to be lost; or it lacks what the ledger needs.
    """
    known = {each.topic_id for each in manifest.positions}
    topics = [topic for topic in now.ids if topic in manifest.topics]
    others = [topic for topic in topics if now.ids[topic] not in known]
    if new_log and topics and not others:
        raise OtherLog(
            f"the topic {topics[0]} is the one that this ledger has read",
            why="nothing of it is lost",
            next_step="fraudml restore without --new-log",
        )
    if not new_log and others:
        raise OtherLog(
            f"the topic {others[0]} is not the one that this ledger has read",
            why="it was made again, or this is another Kafka",
            next_step=NEW_LOG,
        )
    if not new_log:
        _refuse_gaps(manifest, now, topics)


def undecided(manifest: Manifest) -> dict[str, int]:
    """By topic, offsets that waited in the newest log when the backup was made."""
    found: dict[str, int] = {}
    for each in manifest.positions:
        if each.end is not None:
            found[each.topic] = found.get(each.topic, 0) + max(0, each.end - each.next_offset)
    return found


def _refuse_gaps(manifest: Manifest, now: LogNow, topics: Sequence[str]) -> None:
    progress = progress_of(manifest)
    for topic in topics:
        for number, (first, last) in now.ends[topic].items():
            needed = progress.get(Partition(now.ids[topic], number), 0)
            if last < needed:
                raise OtherLog(
                    f"{topic} partition {number} ends at offset {last}, and the backup has settled {needed}",
                    why="the log has lost records",
                    next_step="make the topics anew, then fraudml restore --new-log",
                )
            if needed < first:
                raise OtherLog(
                    f"{topic} partition {number} begins at offset {first}, and {needed} is needed",
                    why="records after the backup have expired",
                    next_step="take a later backup; or make the topics anew, then fraudml restore --new-log",
                )
