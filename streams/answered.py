"""Decisions that the gateway has made: what they were made on, and the signature they travel under.

A record that the gateway sends bears its decision in two headers. The signature covers the record's value
too, so a decision cannot be moved to another transaction. Source: RFC 2104.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.decision import DecidedTransaction, body_of, decision_of
from models.shared_key import SharedKey, fixed
from streams.arrivals import Batch, Headers, Sweep

DECISION_HEADER = "fraudml-decision"
SIGNATURE_HEADER = "fraudml-signature"
SHORTEST_KEY_BYTES = 16

Place = tuple[int, int]  # partition and offset


@dataclass(frozen=True, slots=True)
class Answered:
    """A decision and the features it was made on, float32 (len(FEATURES),)."""

    decided: DecidedTransaction
    features: NDArray[np.float32]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Answered)
            and self.decided == other.decided
            and self.features.tobytes() == other.features.tobytes()
        )


class Mark(msgspec.Struct, frozen=True):
    """What the header holds. features: base64 of little-endian float32."""

    decided: DecidedTransaction
    features: str


_decoder = msgspec.json.Decoder(Mark)


@dataclass(frozen=True, slots=True)
class Marks:
    """answers: by transaction id. refused: places of marks that were not ours.

    clashes: how many answers differ from an earlier one of the same id.
    """

    answers: Mapping[str, Answered]
    refused: tuple[Place, ...] = ()
    clashes: int = 0


NO_MARKS = Marks({})


class Signer:
    """Signs decisions and reads them back. key: shared by gateways and workers."""

    def __init__(self, key: bytes | SharedKey) -> None:
        self._key = fixed(key)

    def headers(self, value: bytes, answered: Answered) -> list[tuple[str, bytes]]:
        """What a record of this value bears."""
        features = b64encode(answered.features.astype("<f4").tobytes()).decode()
        mark = msgspec.json.encode(Mark(answered.decided, features))
        return [(DECISION_HEADER, mark), (SIGNATURE_HEADER, self._signature(value, mark))]

    def read(self, sweep: Sweep, batch: Batch) -> Marks:
        """The marks of a sweep's well-formed records."""
        answers: dict[str, Answered] = {}
        refused, clashes = [], 0
        for place, answered in self.each(sweep, batch):
            if answered is None:
                refused.append(place)
            else:
                first = answers.setdefault(answered.decided.transaction_id, answered)
                clashes += first != answered
        return Marks(answers, tuple(refused), clashes) if answers or refused else NO_MARKS

    def each(self, sweep: Sweep, batch: Batch) -> Iterator[tuple[Place, Answered | None]]:
        """The places of records that bear a mark, and what they were answered; None where it is not ours."""
        if not sweep.headers:
            return
        rows = {place: row for row, place in enumerate(places_of(batch))}
        for number, headers in enumerate(sweep.headers):
            place = (int(sweep.partition[number]), int(sweep.offset[number]))
            found = dict(headers or ())
            if place in rows and {DECISION_HEADER, SIGNATURE_HEADER} & found.keys():
                yield place, self._read(sweep.values[number] or b"", found, batch.body(rows[place]))

    def _read(self, value: bytes, found: dict[str, bytes | None], body: Any) -> Answered | None:
        mark, signature = found.get(DECISION_HEADER) or b"", found.get(SIGNATURE_HEADER) or b""
        if not any(
            hmac.compare_digest(signature, _signature(key, value, mark)) for key in self._key.accepted()
        ):
            return None
        try:
            read = _decoder.decode(mark)
            features = np.frombuffer(b64decode(read.features, validate=True), "<f4")
        except (msgspec.DecodeError, ValueError):
            return None  # signed by another version of this code
        return Answered(read.decided, features) if body_of(read.decided) == body else None

    def _signature(self, value: bytes, mark: bytes) -> bytes:
        return _signature(self._key.signing(), value, mark)


def _signature(key: bytes, value: bytes, mark: bytes) -> bytes:
    signed = b"%d:%b%b" % (len(value), value, mark)
    return b64encode(hmac.digest(key, signed, sha256))


def claims_answer(headers: Headers) -> bool:
    """Whether a record says that a gateway has answered it; its signature is looked at with its sweep."""
    return any(name == DECISION_HEADER for name, _ in headers or ())


def places_of(batch: Batch) -> list[Place]:
    return list(zip(batch.partition.tolist(), batch.offset.tolist(), strict=True))


def answer_document(decided: DecidedTransaction) -> bytes:
    """The answer to whoever asked, the same bytes every time."""
    return msgspec.json.encode(decision_of(decided))
