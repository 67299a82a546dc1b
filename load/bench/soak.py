"""A steady rate for long: how latency goes on, slot by slot."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from load.bench.open_loop import (
    CommitTimes,
    Moments,
    OpenLoop,
    Places,
    Record,
    drain,
    due_at,
    forget,
    nowhere,
    settled,
    waited,
)

SLOT_S = 10.0
SLOTS_AT_LEAST = 12


@dataclass(frozen=True, slots=True)
class Slot:
    """Some seconds of the stream, all decided. due_s: since the beginning. Waits in ms."""

    due_s: float
    waited_ms: NDArray[np.float32]

    @property
    def p99_ms(self) -> float:
        return float(np.percentile(self.waited_ms, 99))


@dataclass
class Soak:
    """A run as far as it is. began: perf_counter. tell: hears of every slot that is decided."""

    rate: float
    slot_s: float
    tell: Callable[[Slot], None]
    began: float = 0.0
    slots: list[Slot] = field(default_factory=list)
    _sent: list[tuple[Moments, Places]] = field(default_factory=list)

    @property
    def transactions(self) -> int:
        return sum(len(slot.waited_ms) for slot in self.slots)

    def run(
        self,
        loop: OpenLoop,
        commits: CommitTimes,
        records: Iterator[Record],
        seconds: float,
        check: Callable[[], None],
    ) -> None:
        """What there is stays in `slots`, also when it is interrupted.

        check: says after each slot, by what it raises, why nothing more will be decided.

        Raises:
            KafkaUnavailable: Kafka did not take all, or they were not settled in time.
        """
        count = int(self.rate * self.slot_s)
        self.began = time.perf_counter()
        for number in range(round(seconds / self.slot_s)):
            due, places = self.began + due_at(self.rate, number * count, count), nowhere(count)
            self._sent.append((due, places))
            loop.send(islice(records, count), due, places)
            check()
            self._settle(commits)
        loop.finish()
        for _, places in self._sent:
            drain(commits, places)
        self._settle(commits)

    def _settle(self, commits: CommitTimes) -> None:
        """The slots that are decided, in turn. A slot is hardly ever at its own end."""
        while self._sent and settled(commits, self._sent[0][1]):
            due, places = self._sent.pop(0)
            waited_ms = (waited(commits, due, places) * 1000).astype(np.float32)
            forget(commits, places)
            self.slots.append(Slot(float(due[0]) - self.began, waited_ms))
            self.tell(self.slots[-1])


def slot_s_of(seconds: float) -> float:
    """Ten seconds, or less where the run is so short that a trend could not be seen."""
    return min(SLOT_S, seconds / SLOTS_AT_LEAST)
