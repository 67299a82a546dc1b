"""A plain count of what the ledger's rows say: histories and features, record by record, without numpy."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from load.simulation.stores import SimulatedLedger
from load.simulation.truths import Place
from models.features import DAY_S, ENTITIES, FEATURES, HOUR_S, LATE_AFTER_S, Entity, reach_of
from models.history import EVENT, MARK, Retention

RECORD = struct.Struct("<Iq")
SUNDAY_TO_THURSDAY = 4


@dataclass(frozen=True, slots=True)
class Counted:
    """One record of one history. count: 1 for a transaction, 0 for a label's mark."""

    place: Place
    time_s: int
    count: int
    total: int


Histories = dict[tuple[Entity, str], list[Counted]]


def counted_rows(ledger: SimulatedLedger) -> Histories:
    """Everything that the ledger's rows append to histories, in no particular order."""
    histories: Histories = {}
    for row in ledger.rows.values():
        decided = row.decided
        if row.owner is None or decided.late:
            continue
        time_s = int(decided.event_time.timestamp())
        customer = Counted(row.owner, time_s, 1, decided.amount_minor)
        histories.setdefault(("customer", decided.customer_id), []).append(customer)
        histories.setdefault(("terminal", decided.terminal_id), []).append(Counted(row.owner, time_s, 1, 0))
    for label in ledger.labels.values():
        decided = ledger.rows[label.label.transaction_id].decided
        if label.delta and not decided.late:
            mark = Counted(label.owner, int(decided.event_time.timestamp()), 0, label.delta)
            histories.setdefault(("terminal", decided.terminal_id), []).append(mark)
    return histories


def stored(history: Sequence[Counted]) -> bytes:
    """The history as the view would hold it, untrimmed."""
    return b"".join(
        RECORD.pack(each.time_s, (each.total << 2) | (EVENT if each.count else MARK)) for each in history
    )


def newest_hour(history: Sequence[Counted]) -> int:
    newest = max((each.time_s for each in history), default=-1)
    return newest - newest % HOUR_S if newest >= 0 else -1


def is_late(time_s: int, seen: Sequence[Sequence[Counted]]) -> bool:
    """Older than every window of its own histories."""
    newest = max(time_s - time_s % HOUR_S, *map(newest_hour, seen))
    return time_s + LATE_AFTER_S <= newest


def features_of(
    time_s: int, amount_minor: int, seen: dict[Entity, list[Counted]], retention: Retention
) -> list[float]:
    """A feature row, given what each of the two histories held before."""
    windows: dict[tuple[Entity, int, int], tuple[int, int]] = {}
    for entity in ENTITIES:
        own = Counted(("", 0, 0), time_s, 1, amount_minor if entity == "customer" else 0)
        bag = [*seen[entity], own]
        for feature in FEATURES:
            if feature.entity == entity and (entity, *feature.span) not in windows:
                keep_s = reach_of(entity) + retention.lateness_s
                windows[entity, *feature.span] = _window(bag, feature.span, keep_s, retention.exact_events)
    own_features = {
        "amount": float(amount_minor),
        "is_weekend": float((time_s // DAY_S + SUNDAY_TO_THURSDAY) % 7 in (6, 0)),
        "is_night": float(time_s % DAY_S // HOUR_S <= 6),
    }
    row = []
    for feature in FEATURES:
        if feature.entity is None:
            row.append(own_features[feature.aggregate])
            continue
        count, total = windows[feature.entity, *feature.span]
        row.append(float(count) if feature.aggregate == "count" else total / max(count, 1))
    return row


def _window(bag: Sequence[Counted], span: tuple[int, int], keep_s: int, exact_events: int) -> tuple[int, int]:
    """Count and sum over (now - delay - window, now - delay]; the bag's last record is the transaction."""
    (delay_s, window_s), now = span, bag[-1].time_s
    end = now - delay_s
    start = min(max(end - window_s, newest_hour(bag) - keep_s), end)
    if not delay_s and start == end:
        return bag[-1].count, bag[-1].total
    tiled = _tiled_before(bag, exact_events)
    first, last = _hour_if(start, tiled), _hour_if(end, tiled)
    inside = [each for each in bag if first < _hour_if(each.time_s, tiled) <= last]
    return sum(each.count for each in inside), sum(each.total for each in inside)


def _tiled_before(bag: Sequence[Counted], exact_events: int) -> int:
    """The hour up to which a history with too many transactions is seen in whole hours."""
    if sum(each.count for each in bag) <= exact_events:
        return 0
    passed = 0
    for each in sorted(bag, key=lambda each: -each.time_s):
        passed += each.count
        if passed > exact_events:
            return each.time_s - each.time_s % HOUR_S + HOUR_S
    return 0


def _hour_if(time_s: int, tiled_before: int) -> int:
    return time_s - time_s % HOUR_S if time_s < tiled_before else time_s
