"""What went out, checked: alerts, dead letters, and where a flood of them had to stop."""

from collections import Counter
from collections.abc import Callable, Iterator

from load.simulation.kafka import Seen
from load.simulation.schedule import Schedule
from load.simulation.truths import InputPlaces, Place, input_places
from models.decision import DecidedTransaction, alert_id_of
from streams.arrivals import DeadLetter
from streams.codecs import NO_TRANSACTION
from streams.ports import Poison
from streams.topics import Partition

Findings = Iterator[str]


def alerts_are_rows(schedule: Schedule) -> Findings:
    """Read-committed alerts are the review and decline rows, each once"""
    yield from _repeats(schedule.kafka.seen_alerts, _alert_name)
    era = schedule.kafka.era
    wanted = {
        name: row
        for name, row in schedule.ledger.rows.items()
        if row.decided.decision != "approve" and row.owner is not None
    }
    sent = {_alert_name(seen) for seen in schedule.kafka.seen_alerts}
    for name in wanted:
        if alert_id_of(name) not in sent and not _undelivered(schedule, wanted[name].owner):
            yield f"{name} was never alerted"
    for seen in schedule.kafka.seen_alerts:
        decided = seen.sent
        assert isinstance(decided, DecidedTransaction)
        row = wanted.get(decided.transaction_id)
        if seen.era == era and (row is None or row.decided != decided):
            yield f"the alert on {decided.transaction_id} is not its row"


def dead_letters_are_records(schedule: Schedule) -> Findings:
    """Every malformed record has exactly one dead letter with its bytes, and no verdict flips"""
    yield from _repeats(schedule.kafka.seen_dead, _letter_place)
    inputs = input_places(schedule)
    owners = {row.owner for row in schedule.ledger.rows.values()}
    sent = {_letter_place(seen) for seen in schedule.kafka.seen_dead}
    for place, truth in inputs.read.items():
        if (truth.quality == "bad") > (place in schedule.ledger.dead):
            yield f"the malformed record {place} was not set aside"
        if truth.quality == "good" and place in schedule.ledger.dead and place not in inputs.expired:
            yield f"the good record {place} was set aside"
    for place in schedule.ledger.dead:
        if place in owners:
            yield f"{place} has both a decision and a dead letter"
        if place not in sent and not _undelivered(schedule, place):
            yield f"the dead letter of {place} was never seen"
    for seen in schedule.kafka.seen_dead:
        yield from _wrong_letter(schedule, inputs, seen)


def _wrong_letter(schedule: Schedule, inputs: InputPlaces, seen: Seen) -> Findings:
    letter = seen.sent
    assert isinstance(letter, DeadLetter)
    place = _letter_place(seen)
    if place not in inputs.ever or inputs.values[place] != letter.value:
        yield f"the dead letter of {place} has other bytes"
    if seen.era == schedule.kafka.era and place not in schedule.ledger.dead:
        yield f"the dead letter of {place} is not in the ledger"


def floods_stop(schedule: Schedule) -> Findings:
    """A flood of malformed records stops its partition until somebody allows it to go on"""
    recorded: dict[Partition, list[int]] = {}
    for (topic_id, number, offset), (reason, _) in sorted(schedule.ledger.dead.items()):
        if reason != NO_TRANSACTION:
            recorded.setdefault(Partition(topic_id, number), []).append(offset)
    for partition, offsets in recorded.items():
        allowed = [0, *(until for found, until in schedule.ledger.allowances if found == partition)]
        for position, offset in enumerate(offsets):
            if all(
                schedule.plan.limit.first_too_many([offset], Poison(offsets[:position], until)) is not None
                for until in allowed
            ):
                yield f"{partition} went on through a flood at {offset}"


def _repeats(seen: list[Seen], name: Callable[[Seen], object]) -> Findings:
    for (what, era), count in Counter((name(each), each.era) for each in seen).items():
        if count > 1:
            yield f"{what} was seen {count} times under ledger {era}"


def _alert_name(seen: Seen) -> str:
    assert isinstance(seen.sent, DecidedTransaction)
    return alert_id_of(seen.sent.transaction_id)


def _letter_place(seen: Seen) -> Place:
    assert isinstance(seen.sent, DeadLetter)
    return (seen.topic_id, seen.sent.partition, seen.sent.offset)


def _undelivered(schedule: Schedule, place: Place | None) -> bool:
    """Whether the topic was deleted before this record's sweep had been committed."""
    return place is not None and any(
        lost.topic.topic_id == place[0] and place[2] >= lost.committed.get(place[1], 0)
        for lost in schedule.notes.lost
    )
