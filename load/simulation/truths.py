"""What the log held, known from the inputs: which record is which, and which of them had to be decided."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from load.simulation.inputs import Truth
from load.simulation.log import Topic
from load.simulation.schedule import Schedule
from streams.topics import Partition

Place = tuple[str, int, int]  # topic id, partition, offset
NOTHING = Truth("bad", {})


@dataclass
class InputPlaces:
    """ever: every record of every incarnation. read: those that had to be decided. values: their bytes.

    unread: those that went with a deleted topic before anybody had read them. expired: labels that came back
    because they had waited in vain.
    """

    ever: dict[Place, Truth] = field(default_factory=dict)
    read: dict[Place, Truth] = field(default_factory=dict)
    values: dict[Place, bytes | None] = field(default_factory=dict)
    unread: dict[Place, Truth] = field(default_factory=dict)
    expired: set[Place] = field(default_factory=set)


def input_places(schedule: Schedule) -> InputPlaces:
    places = InputPlaces()
    for topic in schedule.kafka.topics.values():
        _collect(schedule, topic, places, deleted=False)
    for lost in schedule.notes.lost:
        _collect(schedule, lost.topic, places, deleted=True)
    return places


def _collect(schedule: Schedule, topic: Topic, places: InputPlaces, *, deleted: bool) -> None:
    """Of a deleted topic only what the ledger has settled can be asked for."""
    for number, records in enumerate(topic.partitions):
        progress = schedule.ledger.next_offsets.get(Partition(topic.topic_id, number), 0)
        for offset, record in enumerate(records):
            if record is None:
                continue
            place = (topic.topic_id, number, offset)
            truth = schedule.inputs.truth(record.value)
            places.ever[place] = truth
            places.values[place] = record.value
            places.expired |= {place} if record.headers else set()
            read = not deleted or offset < progress
            (places.read if read else places.unread)[place] = truth


def accepted_labels(places: InputPlaces) -> Iterator[tuple[str, int, Place]]:
    """Transaction, version and place of every good label that had to be taken.

    Not of one that was produced again, and then deleted with its topic.
    """
    gone = {_version(truth) for truth in places.unread.values() if "label_id" in truth.document}
    for place, truth in places.read.items():
        if truth.quality == "good" and "label_id" in truth.document and _version(truth) not in gone:
            yield *_version(truth), place


def _version(truth: Truth) -> tuple[str, int]:
    return truth.document["transaction_id"], truth.document["version"]
