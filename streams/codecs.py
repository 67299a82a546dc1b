"""Bytes to documents and back. What a producer sends may become a dead letter, never an exception."""

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

import msgspec
import numpy as np

from models.card_number import CANDIDATE, SHORTEST, record_holds_card_number
from models.errors import Malformed, MalformedLabel, MalformedTransaction
from models.history import Ints
from models.label import Label, decode_label
from models.transaction import CARD_NUMBER, Transaction, check_transaction, decode_transaction
from streams.arrivals import EXPIRED_HEADER, Batch, DeadLetter, LabelRecord, Sweep

# A decoder quotes what it refuses, however long that is.
DETAIL_CHARACTERS = 512

# What is said of a label that is well-formed, and was of no use.
# Reasons of dead letters, and what was wrong in words.
AHEAD = ("event_time_ahead", "the event time is further ahead of the broker's than is allowed")
EARLY = ("event_time_before_1970", "the event time lies before 1970")
NO_TRANSACTION = "no_transaction"
WAITED_IN_VAIN = "it has waited for its transaction for as long as a label may"

Document = TypeVar("Document")
Timed = TypeVar("Timed", Transaction, Label)

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class TransactionCodec:
    """Decodes sweeps of transactions for one deployment.

    currency: the only one accepted. ahead_ms: how far an event time may be ahead of the broker's clock.
    """

    def __init__(self, currency: str, ahead_ms: int) -> None:
        self.currency = currency
        self.ahead_ms = ahead_ms

    def decode(self, sweep: Sweep) -> tuple[Batch, list[DeadLetter]]:
        dead: list[DeadLetter] = []
        rows, found = _decoded(sweep, decode_transaction, dead)
        self._check(sweep, rows, found, dead)
        rows, found, event_time_ms = _within_time(sweep, rows, found, self.ahead_ms, dead)
        index = np.array(rows, np.int64)
        batch = Batch(
            [each.transaction_id for each in found],
            [each.customer_id for each in found],
            [each.terminal_id for each in found],
            np.array([each.amount_minor for each in found], np.int64),
            event_time_ms,
            [each.attributes for each in found],
            sweep.partition[index],
            sweep.offset[index],
        )
        return batch, dead

    def _check(self, sweep: Sweep, rows: list[int], found: list[Transaction], dead: list[DeadLetter]) -> None:
        """Set aside what `check_transaction` refuses; all at once where all are good, as they nearly are."""
        ids = "|".join([f"{each.transaction_id}|{each.customer_id}|{each.terminal_id}" for each in found])
        plain = (
            ids.isprintable()
            and not any(each.attributes for each in found)
            and not any(map(CANDIDATE.search, _long_ids(found)))
        )
        if plain and {each.currency for each in found} <= {self.currency}:
            return
        for position in reversed(range(len(rows))):
            try:
                check_transaction(found[position], self.currency)
            except MalformedTransaction as error:
                dead.append(dead_letter(sweep, rows[position], error))
                del rows[position], found[position]


def _long_ids(found: list[Transaction]) -> list[str]:
    """Those that have room for a card number: to search all of them would cost as much as to decode them."""
    ids = [name for each in found for name in (each.transaction_id, each.customer_id, each.terminal_id)]
    return [name for name in ids if len(name) >= SHORTEST]


def decode_labels(sweep: Sweep, ahead_ms: int) -> tuple[list[LabelRecord], list[DeadLetter]]:
    """The labels of a sweep, and the rest."""
    dead: list[DeadLetter] = []
    rows, found = _decoded(sweep, decode_label, dead)
    rows, found, _ = _within_time(sweep, rows, found, ahead_ms, dead)
    taken = []
    for row, label in zip(rows, found, strict=True):
        if sweep.has_header(row, EXPIRED_HEADER):
            dead.append(dead_letter(sweep, row, MalformedLabel(NO_TRANSACTION, WAITED_IN_VAIN)))
        elif record_holds_card_number(sweep.keys[row]) or record_holds_card_number(sweep.values[row]):
            # In its key or a field that nobody knows: while it waits for its transaction its bytes are kept.
            dead.append(
                dead_letter(sweep, row, MalformedLabel(CARD_NUMBER, "the record holds a card number"))
            )
        else:
            taken.append(_record(sweep, row, label))
    return taken, dead


def _record(sweep: Sweep, row: int, label: Label) -> LabelRecord:
    place = (int(sweep.partition[row]), int(sweep.offset[row]))
    return LabelRecord(place, sweep.keys[row], sweep.values[row] or b"", label)


def _within_time(
    sweep: Sweep, rows: list[int], found: list[Timed], ahead_ms: int, dead: list[DeadLetter]
) -> tuple[list[int], list[Timed], Ints]:
    """Set aside what lies ahead of the broker's clock or before 1970; the rest with its times in ms."""
    seconds = [each.event_time.timestamp() for each in found]
    times_ms = np.rint(np.array(seconds, np.float64) * 1e6).astype(np.int64) // 1000
    ahead = times_ms > sweep.timestamp_ms[np.array(rows, np.int64)] + ahead_ms
    early = times_ms < 0
    if not (ahead | early).any():
        return rows, found, times_ms
    for position in np.flatnonzero(ahead | early):
        refusal = AHEAD if ahead[position] else EARLY
        dead.append(dead_letter(sweep, rows[position], Malformed(*refusal)))
    keep = np.flatnonzero(~(ahead | early))
    return [rows[i] for i in keep], [found[i] for i in keep], times_ms[keep]


def _decoded(
    sweep: Sweep, decode: Callable[[bytes | None], Document], dead: list[DeadLetter]
) -> tuple[list[int], list[Document]]:
    rows, found = [], []
    for row, value in enumerate(sweep.values):
        try:
            found.append(decode(value))
        except Malformed as error:
            dead.append(dead_letter(sweep, row, error))
        else:
            rows.append(row)
    return rows, found


def dead_letter(sweep: Sweep, row: int, error: Malformed) -> DeadLetter:
    """The dead letter of one record of a sweep.

    Where the record holds a card number, whatever else is wrong with it, the letter has none of its bytes.
    """
    key, value = sweep.keys[row], sweep.values[row]
    if error.code == CARD_NUMBER or record_holds_card_number(key) or record_holds_card_number(value):
        error = Malformed(CARD_NUMBER, "the record holds a card number; its bytes are not kept")
        key, value = sha256(key or b"").hexdigest().encode(), None
    return DeadLetter(
        sweep.topic,
        sweep.topic_id,
        int(sweep.partition[row]),
        int(sweep.offset[row]),
        int(sweep.timestamp_ms[row]),
        key,
        value,
        error.code,
        error.what[:DETAIL_CHARACTERS],
        "parked" if error.code == NO_TRANSACTION else "decode",
    )
