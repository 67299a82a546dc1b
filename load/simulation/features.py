"""Check the features: what a row counted against what it had to count, by a plain count."""

from collections.abc import Iterator

import numpy as np

from load.doubles import Row
from load.simulation.pipeline import POLICY, spread_score
from load.simulation.recount import Counted, Histories, counted_rows, features_of, is_late
from load.simulation.schedule import Schedule
from load.simulation.stores import Grounds
from load.simulation.truths import Place
from models.decision import DecidedTransaction
from models.features import ENTITIES, FEATURE_NAMES, Entity
from streams.topics import Partition
from streams.view.keys import group_of


def feature_findings(schedule: Schedule) -> Iterator[str]:
    histories = counted_rows(schedule.ledger)
    for name, grounds in schedule.ledger.grounds.items():
        row = schedule.ledger.rows[name]
        if row.owner is None:
            continue
        if not grounds.degraded:
            yield from _unapplied(name, grounds)
        elif not grounds.apart and not schedule.plan.decides:
            yield f"{name} was decided with less, though workers were told to wait"
        yield from _miscounted(schedule, name, row, grounds, histories)


def _unapplied(name: str, grounds: Grounds) -> Iterator[str]:
    """What had been applied when a history was read must have been in it."""
    for read, applied in zip(grounds.watermarks, grounds.applied, strict=True):
        for partition, mark in applied.items():
            if read.get(partition, 0) < mark:
                lost = f"{partition.topic_id} {partition.number} from {read.get(partition, 0)} on"
                yield f"{name} was decided on a view that had lost {lost}"


def _miscounted(
    schedule: Schedule, name: str, row: Row, grounds: Grounds, histories: Histories
) -> Iterator[str]:
    decided = row.decided
    assert row.owner is not None
    hidden = _taken_for_late(schedule, grounds, histories)
    seen = _seen(schedule, decided, row.owner, grounds, histories, hidden)
    time_s = int(decided.event_time.timestamp())
    wanted = features_of(time_s, decided.amount_minor, seen, schedule.plan.retention)
    expected = np.array([wanted], np.float32)
    for feature, want, found in zip(FEATURE_NAMES, expected[0], row.features, strict=True):
        if want != found:
            yield f"{name} counts {found} for {feature}, not {want}"
    if decided.late != is_late(time_s, list(seen.values())):
        yield f"{name} is late: {decided.late}"
    score = spread_score(expected)
    if decided.score != score[0] or decided.decision != POLICY.verdict(float(score[0]), decided.amount_minor):
        yield f"{name} has score {decided.score} and is {decided.decision}, not {score[0]}"


def _taken_for_late(schedule: Schedule, grounds: Grounds, histories: Histories) -> set[Place]:
    """Rows of the sweep that REST had decided, in time, and that the fold took for late.

    A claimed row keeps the lateness that REST gave it, so it is applied; but the rest of the sweep that
    claims it does not count it.
    """
    by_rest = {row.owner: row for row in schedule.ledger.rows.values() if row.decided.path == "rest"}
    hidden: set[Place] = set()
    for position, place in enumerate(grounds.before):
        if place in by_rest:
            decided = by_rest[place].decided
            earlier = grounds._replace(before=grounds.before[:position])
            seen = _seen(schedule, decided, place, earlier, histories, hidden)
            if is_late(int(decided.event_time.timestamp()), list(seen.values())):
                hidden.add(place)
    return hidden


def _seen(
    schedule: Schedule,
    decided: DecidedTransaction,
    owner: Place,
    grounds: Grounds,
    histories: Histories,
    hidden: set[Place],
) -> dict[Entity, list[Counted]]:
    """What a row's two histories had to hold."""
    names: dict[Entity, str] = {"customer": decided.customer_id, "terminal": decided.terminal_id}
    groups = schedule.view.groups
    return {
        entity: [
            each
            for each in histories.get((entity, names[entity]), [])
            if each.place not in hidden
            and _counts(each, owner, grounds, group_of(entity, names[entity], groups))
        ]
        for entity in ENTITIES
    }


def _counts(record: Counted, owner: Place, grounds: Grounds, group: int) -> bool:
    """Whether a row had to see a record: below it in its partition, before it in its sweep, or applied.

    A degraded one sees its sweep alone.
    """
    if record.place == owner:
        return False
    if grounds.degraded:
        return record.place in grounds.before
    if not grounds.apart and record.place[:2] == owner[:2]:
        return record.place[2] < owner[2]
    if record.place in grounds.before:
        return True
    watermark = grounds.watermarks[group].get(Partition(*record.place[:2]), 0)
    return record.place[2] < watermark
