"""The whole promise, checked on what a schedule has left: one named check each."""

from collections.abc import Callable
from typing import NamedTuple

from load.simulation.features import feature_findings
from load.simulation.recount import RECORD, counted_rows, stored
from load.simulation.schedule import Schedule
from load.simulation.sent import Findings, alerts_are_rows, dead_letters_are_records, floods_stop
from load.simulation.told import (
    answers_are_rows,
    conflicts_are_counted,
    processes_agree_with_themselves,
    refusals_leave_nothing,
    rows_by_rest_are_answers,
)
from load.simulation.truths import NOTHING, Place, accepted_labels, input_places
from models.label import fraud_mark
from streams.recomputation import canonical
from streams.topics import Partition
from streams.view.keys import group_of


class Violation(NamedTuple):
    """A broken promise. promise: the check's words. found: what showed it."""

    promise: str
    found: str


def one_decision_each(schedule: Schedule) -> Findings:
    """Every accepted transaction has exactly one decision, and no row is without an input"""
    inputs = input_places(schedule)
    for place, truth in inputs.read.items():
        accepted = truth.quality == "good" and place[0].startswith("transactions")
        if accepted and truth.document["transaction_id"] not in schedule.ledger.rows:
            yield f"{truth.document['transaction_id']} at {place} has no decision"
    for name, row in schedule.ledger.rows.items():
        if row.owner is None:
            yield f"the row of {name}, made by REST, was never claimed"
        elif inputs.ever.get(row.owner, NOTHING).document.get("transaction_id") != name:
            yield f"the row of {name} is owned by {row.owner}, which is another record"


def first_write_wins(schedule: Schedule) -> Findings:
    """The first write wins: no row changes, and a row's body is its owner's"""
    yield from (found for found in schedule.ledger.changed if "row" in found)
    inputs = input_places(schedule)
    for name, row in schedule.ledger.rows.items():
        if row.owner is None or row.owner not in inputs.ever or _was_cut_off(schedule, row.owner):
            continue
        document = inputs.ever[row.owner].document
        if row.decided.amount_minor != document.get("amount_minor"):
            yield f"the row of {name} has another body than its owner {row.owner}"


def _was_cut_off(schedule: Schedule, place: Place) -> bool:
    """Whether another record may be where this one was, as a gateway goes on sending what it owes."""
    topic_id, number, offset = place
    return offset >= schedule.cuts.get((topic_id, number), offset + 1)


def view_is_recomputed(schedule: Schedule) -> Findings:
    """The view equals a recomputation from the ledger's rows, and everybody stands at the log's end"""
    ledger, view = schedule.ledger, schedule.view
    expected = {key: stored(history) for key, history in counted_rows(ledger).items()}
    for number, group in enumerate(view.state):
        found = {
            (entity, name): raw for (key, entity, name), raw in group.histories.items() if key == group.view
        }
        for entity, name in {*found, *(key for key in expected if group_of(*key, view.groups) == number)}:
            raw, want = found.get((entity, name), b""), expected.get((entity, name), b"")
            if _sorted(raw) != _sorted(want) and canonical(raw, entity, schedule.plan.retention) != canonical(
                want, entity, schedule.plan.retention
            ):
                yield f"the history of {entity} {name} is not what the ledger's rows give"
        marks = view.watermarks(number, group.view or "")
        for partition, progress in ledger.next_offsets.items():
            if marks.get(partition, 0) != progress:
                yield f"group {number} has applied {marks.get(partition, 0)} of {partition}, not {progress}"
    yield from _ends(schedule)


def _ends(schedule: Schedule) -> Findings:
    if not schedule.rests:
        yield "the workers did not come to rest"
        return
    for name, number in schedule.kafka.places():
        topic = schedule.kafka.topics[name]
        end = topic.after_last_record(number)
        progress = schedule.ledger.next_offsets.get(Partition(topic.topic_id, number), 0)
        committed = schedule.kafka.offsets.get((name, number), 0)
        if not progress == end == committed:
            yield f"{name} {number} ends at {end}, progress is {progress}, committed {committed}"


def nothing_goes_back(schedule: Schedule) -> Findings:
    """Progress, watermarks and committed offsets never go back"""
    yield from (found for found in schedule.ledger.changed if "progress" in found)
    yield from schedule.view.changed
    yield from schedule.kafka.back


def features_are_exact(schedule: Schedule) -> Findings:
    """Every feature counts exactly the records below it and what had been applied when it was read"""
    yield from feature_findings(schedule)


def latest_label_counts(schedule: Schedule) -> Findings:
    """The latest label decides, each delta counts once, and nothing is parked whose transaction has a row"""
    ledger = schedule.ledger
    places = input_places(schedule)
    in_vain = {places.values[place] for place in places.expired if place in ledger.dead}
    for name, version, place in accepted_labels(places):
        if places.values[place] in in_vain:
            continue
        if name in ledger.rows and (name, version) not in ledger.labels:
            yield f"version {version} of the label of {name} at {place} was lost"
        if name not in ledger.rows and not any(
            parked.record.label.transaction_id == name and parked.record.label.version == version
            for parked in ledger.parked.values()
        ):
            yield f"version {version} of the label of {name} at {place} is not parked"
    for name in {name for name, _ in ledger.labels}:
        rows = [row for (found, _), row in ledger.labels.items() if found == name]
        latest = max(rows, key=lambda row: row.label.version)
        counted = sum(row.delta for row in rows)
        if counted != fraud_mark(latest.label.label):
            yield f"the labels of {name} count {counted}, and the latest is {latest.label.label}"
    for parked in ledger.parked.values():
        name = parked.record.label.transaction_id
        if name in ledger.rows:
            yield f"a label of {name} is parked, though it has a row"


def first_copy_claims(schedule: Schedule) -> Findings:
    """A row made by REST belongs to the first record of its body in the partition"""
    inputs = input_places(schedule)
    for name, row in schedule.ledger.rows.items():
        if row.decided.path != "rest" or row.owner is None:
            continue
        body = inputs.ever.get(row.owner, NOTHING).document
        for place, truth in inputs.ever.items():
            earlier = place[:2] == row.owner[:2] and place[2] < row.owner[2]
            if earlier and truth.document == body and place not in schedule.ledger.dead:
                yield f"the row of {name} is owned by {row.owner}, and {place} was earlier"


def rest_rows_wait(schedule: Schedule) -> Findings:
    """A row made by REST has no second record on its way before its first one was read"""
    yield from schedule.ledger.hasty


def halts_have_causes(schedule: Schedule) -> Findings:
    """No worker stops but for a cause"""
    for words in dict.fromkeys(
        f"{type(each.failure).__name__} {each.failure}" for each in schedule.notes.unexplained()
    ):
        yield f"a worker stopped: {words}"


PROMISES: tuple[Callable[[Schedule], Findings], ...] = (
    one_decision_each,
    first_write_wins,
    alerts_are_rows,
    dead_letters_are_records,
    view_is_recomputed,
    nothing_goes_back,
    features_are_exact,
    latest_label_counts,
    first_copy_claims,
    floods_stop,
    rest_rows_wait,
    answers_are_rows,
    conflicts_are_counted,
    processes_agree_with_themselves,
    refusals_leave_nothing,
    rows_by_rest_are_answers,
    halts_have_causes,
)


def broken_promises(schedule: Schedule) -> list[Violation]:
    """What a played schedule has broken, in the order of the promises."""
    stopped = (nothing_goes_back, first_write_wins, halts_have_causes)
    checks = stopped if schedule.stands_still else PROMISES
    return [Violation(check.__doc__ or "", found) for check in checks for found in check(schedule)]


def _sorted(raw: bytes) -> bytes:
    return b"".join(sorted(raw[at : at + RECORD.size] for at in range(0, len(raw), RECORD.size)))
