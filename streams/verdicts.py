"""What follows from verdicts: additions to the view, alerts, and the recall of what was decided before."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.decision import VERDICTS, DecidedTransaction
from models.errors import Malformed
from models.history import EVENT, MARK, pack
from models.policy import APPROVE
from models.transaction import time_of_ms
from streams.arrivals import DeadLetter, Sweep
from streams.codecs import dead_letter
from streams.ports import Additions, DecisionRows, Ledger, Mark, Recorded, Settled, Step


def step_of(sweep: Sweep, progress: Mapping[int, int], dead: Sequence[DeadLetter]) -> Step:
    """How far the ledger goes with a sweep of new records."""
    reached = sweep.reached()
    return Step(sweep.topic, sweep.topic_id, {number: progress[number] for number in reached}, reached, dead)


def additions_of(rows: DecisionRows, outcome: Settled) -> Additions:
    """What the sweep's own rows append: whatever is not late, by the word of the ledger."""
    counted = ~rows.late
    for row, claimed in outcome.claimed.items():
        counted[row] = not claimed.late
    batch = rows.batch if counted.all() else rows.batch.take(np.flatnonzero(counted))
    nothing = np.zeros_like(batch.amount_minor)
    return Additions(
        {"customer": batch.customer_id, "terminal": batch.terminal_id},
        {
            "customer": pack(batch.time_s, batch.amount_minor, EVENT),
            "terminal": pack(batch.time_s, nothing, EVENT),
        },
    )


def alerts_of(rows: DecisionRows, outcome: Settled) -> list[DecidedTransaction]:
    """The own rows that somebody must look at."""
    own = [
        decided_row(rows, row)
        for row in np.flatnonzero(rows.verdict != APPROVE).tolist()
        if row not in outcome.claimed
    ]
    return own + [claimed for claimed in outcome.claimed.values() if claimed.decision != "approve"]


def decided_row(rows: DecisionRows, row: int) -> DecidedTransaction:
    """One row as a document, exactly as the ledger will give it back."""
    batch, scoring = rows.batch, rows.scorings[int(rows.scored_by[row])]
    return DecidedTransaction(
        transaction_id=batch.transaction_id[row],
        decision=VERDICTS[int(rows.verdict[row])],
        score=float(rows.score[row]),
        reasons=list(rows.reasons.get(row, ())),
        variant=scoring.variant,
        model_name=scoring.model_name,
        model_version=scoring.model_version,
        policy_version=scoring.policy_version,
        ab_version=scoring.ab_version,
        path=rows.path,
        degraded_reason=rows.degraded_reason,
        late=bool(rows.late[row]),
        event_time=time_of_ms(int(batch.event_time_ms[row])),
        decided_at=rows.decided_at,
        customer_id=batch.customer_id[row],
        terminal_id=batch.terminal_id[row],
        amount_minor=int(batch.amount_minor[row]),
        currency=rows.currency,
        attributes=batch.attributes[row] or None,
    )


def recall(
    ledger: Ledger,
    sweep: Sweep,
    progress: Mapping[int, int],
    alerts: list[DecidedTransaction],
    dead: list[DeadLetter],
) -> None:
    """Records that came again: what the ledger holds for them stands, whatever we would say today."""
    spans = {
        number: (int(sweep.offset[sweep.partition == number].min()), min(reached, progress[number]))
        for number, reached in sweep.reached().items()
    }
    recorded = ledger.recorded(sweep.topic_id, spans)
    for row in range(len(sweep)):
        place = (int(sweep.partition[row]), int(sweep.offset[row]))
        decided = recorded.decisions.get(place)
        if decided is not None and decided.decision != "approve":
            alerts.append(decided)
        if place in recorded.dead:
            dead.append(_recalled(sweep, row, recorded, place))


def _recalled(sweep: Sweep, row: int, recorded: Recorded, place: tuple[int, int]) -> DeadLetter:
    reason, detail = recorded.dead[place]
    return dead_letter(sweep, row, Malformed(reason, detail))


def marks_as_additions(marks: Sequence[Mark]) -> Additions:
    """Marks for the terminals' histories; a label that changes nothing appends nothing."""
    counted = [mark for mark in marks if mark.delta]
    time_s = np.array([mark.time_s for mark in counted], np.int64)
    delta = np.array([mark.delta for mark in counted], np.int64)
    return Additions(
        {"customer": [], "terminal": [mark.terminal_id for mark in counted]},
        {"customer": pack(time_s[:0], delta[:0], MARK), "terminal": pack(time_s, delta, MARK)},
    )
