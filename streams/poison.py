"""A flood of malformed records stops its partition: draining a topic into its dead letters helps nobody.

Judged by what the ledger has recorded, so that every worker stops at the same record, however its records
fall into sweeps, and stops there again after a restart.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from streams.arrivals import DeadLetter, Sweep
from streams.codecs import NO_TRANSACTION
from streams.ports import Ledger, Poison

log = structlog.get_logger(__name__)

Hold = Callable[[str, Mapping[int, int]], None]


@dataclass(frozen=True, slots=True)
class PoisonLimit:
    """What a partition may hold of malformed records.

    share: of its last `window` offsets, once there are as many; 1 for any. in_a_row: so many are too many.
    """

    share: float = 0.01
    in_a_row: int = 50
    window: int = 1000

    @property
    def reach(self) -> int:
        """How far back it matters what was malformed, in offsets."""
        return max(self.window, self.in_a_row)

    def first_too_many(self, malformed: Iterable[int], before: Poison) -> int | None:
        """The first of these offsets that is one too many, after what was recorded before them."""
        known = [offset for offset in before.offsets if offset >= before.allowed_until]
        for offset in malformed:
            if offset < before.allowed_until:
                continue
            known.append(offset)
            if self._too_often(known, before.allowed_until) or self._in_a_row(known) >= self.in_a_row:
                return offset
        return None

    def _too_often(self, known: Sequence[int], since: int) -> bool:
        start = known[-1] - self.window
        recent = len(known) - bisect_right(known, start)
        return start + 1 >= since and recent > self.share * self.window

    def _in_a_row(self, known: Sequence[int]) -> int:
        count = 1
        while count < min(len(known), self.in_a_row) and known[-1 - count] == known[-1] - count:
            count += 1
        return count


class PoisonGate:
    """Cuts sweeps short where a flood begins.

    hold: has partitions of a topic read no further than these offsets.
    """

    def __init__(self, ledger: Ledger, limit: PoisonLimit, hold: Hold) -> None:
        self._ledger = ledger
        self._limit = limit
        self._hold = hold

    def stops(self, sweep: Sweep, malformed: Sequence[DeadLetter]) -> dict[int, int]:
        """Per partition that must stop within the sweep: the offset of the record that is one too many."""
        found: dict[int, list[int]] = {}
        for letter in malformed:
            if letter.reason != NO_TRANSACTION:
                found.setdefault(letter.partition, []).append(letter.offset)
        if not found:
            return {}
        firsts = {number: min(offsets) for number, offsets in found.items()}
        spans = {number: (first - self._limit.reach, first) for number, first in firsts.items()}
        before = self._ledger.poison(sweep.topic_id, spans)
        stops = {
            number: self._limit.first_too_many(sorted(offsets), before[number])
            for number, offsets in found.items()
        }
        return {number: offset for number, offset in stops.items() if offset is not None}

    def hold(self, topic: str, stops: Mapping[int, int]) -> None:
        if not stops:
            return
        for number, offset in stops.items():
            log.error(
                "partition_stopped",
                topic=topic,
                partition=number,
                offset=offset,
                why="too many malformed records",
                next_step=f"fraudml dlq stopped; then fraudml dlq allow --topic {topic} --partition {number}",
            )
        self._hold(topic, stops)
