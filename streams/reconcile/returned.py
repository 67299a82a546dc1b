"""Copies of labels that were parked: not handled yet, or set aside as their transaction did not come."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from models.errors import MalformedLabel
from models.label import decode_label
from streams.codecs import NO_TRANSACTION
from streams.reconcile.conservation import Tally
from streams.reconcile.outputs import Output, letter_in
from streams.reconcile.ports import LabelKey, Offsets, Topics

STILL_TO_COME_MS = 1 << 62


class Open(NamedTuple):
    """A label that has left nothing at its place, and is not known from another one either."""

    key: LabelKey
    offset: int
    timestamp_ms: int
    tally: Tally


@dataclass(frozen=True)
class ReturnedLabels:
    """committed: read before anything of the ledger was."""

    log: Topics
    topic: str
    committed: Offsets
    letters: Output

    def latest(self, keys: AbstractSet[LabelKey]) -> dict[LabelKey, int]:
        """When the last copy of these labels was produced; those not handled yet are still to come."""
        found = dict.fromkeys(keys, 0)
        for letter in map(letter_in, chain.from_iterable(self.letters.read(self.log))):
            if letter and letter.reason == NO_TRANSACTION and (key := _key(letter.value)) in found:
                found[key] = max(letter.timestamp_ms, found[key])
        ends = self.log.written(self.topic)
        starts = {number: self.committed.get(number, 0) for number in ends}
        for message in chain.from_iterable(self.log.read(self.topic, ends, starts)):
            if (key := _key(message.value())) in found:
                found[key] = STILL_TO_COME_MS
        return found


def _key(value: bytes | None) -> LabelKey | None:
    try:
        label = decode_label(value)
    except MalformedLabel:
        return None
    return label.transaction_id, label.version
