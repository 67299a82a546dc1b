"""What callers of the gateways were told, against what has become of it."""

from collections.abc import Iterator

import msgspec

from api.answering import Answer
from load.simulation.callers import Body, Told
from load.simulation.log import Topic
from load.simulation.schedule import Schedule
from load.simulation.sent import Findings
from models.decision import DecidedTransaction, body_of
from models.errors import Conflict
from models.transaction import decode_transaction
from streams.answered import DECISION_HEADER, Mark, answer_document
from streams.codecs import encode
from streams.topics import Partition

_decoder = msgspec.json.Decoder(Mark)


def answers_are_rows(schedule: Schedule) -> Findings:
    """Whoever was told a decision was told the row; only one that the log kept may meet an earlier row"""
    kept, lost = _in_log(schedule)
    for told, decided in _answers(schedule):
        row = schedule.ledger.rows.get(told.name)
        if row is not None and answer_document(row.decided) == answer_document(decided):
            continue
        answer = encode(decided)
        of_ledger = told.answer.durable == "ledger" and told.era == schedule.ledger.eras  # type: ignore[union-attr]
        if of_ledger:
            yield f"{told.name} was told a decision that is not its row"
        elif answer in kept and told.name not in schedule.ledger.conflicts:
            yield f"{told.name} was told what its record says, and that is neither its row nor a conflict"
        elif _by_log(told) and answer not in kept | lost:
            yield f"{told.name} was told a decision that nothing keeps"


def conflicts_are_counted(schedule: Schedule) -> Findings:
    """Every signed answer that is not what stands is counted"""
    yield from schedule.ledger.miscounted


def processes_agree_with_themselves(schedule: Schedule) -> Findings:
    """A gateway process tells one decision of its own for an id, however often it is asked"""
    own: dict[tuple[str, str], bytes] = {}
    for told, decided in _answers(schedule):
        answer = encode(decided)
        made = schedule.ledger.made.get(answer)
        if made is None or made.process != told.process:
            continue
        if own.setdefault((told.process, told.name), answer) != answer:
            yield f"{told.process} has told two decisions of its own on {told.name}"


def refusals_leave_nothing(schedule: Schedule) -> Findings:
    """What was refused is nowhere, unless somebody else has sent the same body"""
    sent = {_name_and_body(value) for value in schedule.produced if _is_good(schedule, value)}
    sent |= {(told.name, told.body) for told in schedule.front.callers.told if not _refused(told)}
    recorded = {_name_and_body(encode(decided)) for decided in _decisions(schedule)}
    for told in filter(_refused, schedule.front.callers.told):
        row = schedule.ledger.rows.get(told.name)
        if (told.name, told.body) in sent:
            continue
        if row is not None and body_of(row.decided) == told.body:
            yield f"{told.name} was refused, and is decided with that body"
        if (told.name, told.body) in recorded:
            yield f"{told.name} was refused, and is in the log with that body"


def rows_by_rest_are_answers(schedule: Schedule) -> Findings:
    """A row of path rest is a decision that a gateway has made, and was asked for"""
    asked = {(told.name, told.body) for told in schedule.front.callers.told}
    for name, row in schedule.ledger.rows.items():
        if row.decided.path != "rest":
            continue
        if encode(row.decided) not in schedule.ledger.made:
            yield f"no gateway has made the decision on {name}"
        if (name, body_of(row.decided)) not in asked:
            yield f"the row of {name} was made by REST, and nobody has asked for it"


def _answers(schedule: Schedule) -> Iterator[tuple[Told, DecidedTransaction]]:
    for told in schedule.front.callers.told:
        if isinstance(told.answer, Answer):
            yield told, told.answer.decided


def _by_log(told: Told) -> bool:
    return isinstance(told.answer, Answer) and told.answer.durable == "log"


def _refused(told: Told) -> bool:
    return isinstance(told.answer, Conflict)


def _is_good(schedule: Schedule, value: bytes | None) -> bool:
    return schedule.inputs.truth(value).quality == "good"


def _name_and_body(value: bytes | None) -> tuple[str, Body]:
    transaction = decode_transaction(value)
    return transaction.transaction_id, body_of(transaction)


def _in_log(schedule: Schedule) -> tuple[set[bytes], set[bytes]]:
    """Decisions that records bear: those that were or will be read, and those that went with their topic."""
    topics = [schedule.kafka.topics["transactions"], *(each.topic for each in schedule.notes.lost)]
    live = topics[0]
    kept: set[bytes] = set()
    lost: set[bytes] = set()
    for topic in topics:
        for number, offset, decided in _borne(topic):
            progress = schedule.ledger.next_offsets.get(Partition(topic.topic_id, number), 0)
            (kept if topic is live or offset < progress else lost).add(encode(decided))
    return kept, lost


def _decisions(schedule: Schedule) -> Iterator[DecidedTransaction]:
    for topic in [schedule.kafka.topics["transactions"], *(each.topic for each in schedule.notes.lost)]:
        yield from (decided for _, _, decided in _borne(topic))


def _borne(topic: Topic) -> Iterator[tuple[int, int, DecidedTransaction]]:
    """Partition and offset of every record with a mark, and its decision."""
    for number, records in enumerate(topic.partitions):
        for offset, record in enumerate(records):
            mark = dict(record.headers or ()).get(DECISION_HEADER) if record else None
            if mark:
                yield number, offset, _decoder.decode(mark).decided
