"""Customers and terminals by the million, with the histories that a stream of years leaves.

Drawn evenly and not simulated, as only the size of what is kept matters here. All is as it stays however long
the stream goes on: a history has been made smaller some time ago, and has grown since, each another while.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from load.columns import DAY_MS, Ids, Transactions, midnight_ms
from load.generator import START
from models.features import DAY_S, HOUR_S, Entity
from models.history import COUNT, EVENT, RECORD, Ints, Retention, hour_of, pack

TERMINALS_PER_CUSTOMER = 2
USUAL_A_DAY = 2
# Of what stays: compaction waits until as much again as half of it is too old to count.
GROWS_BY = 0.5
AT_ONCE = 20_000
RETENTION = Retention()
# Every history reaches back less than that.
NOW_MS = midnight_ms(START) + 100 * DAY_MS


@dataclass(frozen=True, slots=True)
class Histories:
    """names: of one kind of entity. sizes: how many records each has. whole: how many of these, from the
    first on, were there when it was made smaller last. packed: all records, one history behind the other.
    """

    entity: Entity
    names: Sequence[str]
    sizes: Ints
    whole: Ints
    packed: bytes


@dataclass(frozen=True, slots=True)
class Crowd:
    """name: begins the ids. customer_a_day: how many transactions each customer makes a day, an
    even number: each terminal sees half as many."""

    name: str
    customers: int
    customer_a_day: int = USUAL_A_DAY

    def count(self, entity: Entity) -> int:
        return self.customers * (1 if entity == "customer" else TERMINALS_PER_CUSTOMER)

    def a_day(self, entity: Entity) -> int:
        """Records a day, of each."""
        return self.customers * self.customer_a_day // self.count(entity)

    def stays(self, entity: Entity) -> int:
        """How many records of a history may count still."""
        return self.a_day(entity) * RETENTION.keep_s(entity) // DAY_S

    def records(self, entity: Entity) -> float:
        """How many a history has, on average."""
        return self.stays(entity) + (self._grown(entity) - 1) / 2

    def _grown(self, entity: Entity) -> int:
        """Fewer than so many have come to a history since it was made smaller."""
        return int(self.stays(entity) * GROWS_BY)

    def histories(self, entity: Entity, rng: np.random.Generator) -> Iterator[Histories]:
        """Of all customers or terminals, `AT_ONCE` at a time."""
        stays = self.stays(entity)
        for first in range(0, self.count(entity), AT_ONCE):
            some = min(AT_ONCE, self.count(entity) - first)
            sizes = stays + rng.integers(0, self._grown(entity), some)
            whole = np.full(some, stays)
            yield self._drawn(entity, self._names(entity, first, some), sizes, whole, rng)

    def month(self, rng: np.random.Generator, appended: bool) -> Histories:
        """A month of every customer: appended record by record, or written at once."""
        sizes = np.full(self.customers, 30 * self.customer_a_day)
        whole = np.zeros_like(sizes) if appended else sizes
        return self._drawn("customer", self._names("customer", 0, self.customers), sizes, whole, rng)

    def transactions(
        self, count: int, first: int, rng: np.random.Generator, hot_share: float = 0.0
    ) -> Transactions:
        """So many, in the order of time, behind the `first` ones. hot_share: of them all at one terminal."""
        terminal = rng.integers(0, self.count("terminal"), count)
        terminal[rng.random(count) < hot_share] = 0
        after_ms = (np.arange(first, first + count) * DAY_MS) // (self.customers * self.customer_a_day)
        return Transactions(
            transaction_id=_random_ids(count, rng),
            customer_id=self._ids("customer", rng.integers(0, self.customers, count)),
            terminal_id=self._ids("terminal", terminal),
            amount_minor=rng.integers(100, 10_000, count),
            event_time_ms=NOW_MS + after_ms,
        )

    @property
    def hot_terminal(self) -> str:
        """The one that a share of all transactions is at."""
        return f"{self.name}-terminal-0"

    def hot_history(self, share: float) -> Histories:
        """What is kept of it once it has been hot for long: hours as sums, and half of what may come before
        it is made smaller again."""
        packed = busy_history(int(self.customers * self.customer_a_day * share))
        size = np.array([len(packed) // RECORD.itemsize])
        return Histories("terminal", [self.hot_terminal], size, size, packed)

    def _drawn(
        self, entity: Entity, names: Sequence[str], sizes: Ints, whole: Ints, rng: np.random.Generator
    ) -> Histories:
        """Records evenly through time, so that those of a history that are too old are as many as have come
        since it was made smaller: drawn by chance, more would be overgrown than a stream leaves so."""
        codes, ends = np.repeat(np.arange(len(sizes)), sizes), np.cumsum(sizes)
        newer = np.repeat(ends, sizes) - 1 - np.arange(len(codes))
        since = newer + rng.random(len(sizes))[codes]
        time_s = NOW_MS // 1000 - (since * (DAY_S / self.a_day(entity))).astype(np.int64)
        # A terminal's records bear no amounts.
        payload = rng.integers(100, 10_000, len(codes)) if entity == "customer" else np.zeros_like(codes)
        return Histories(entity, names, sizes, whole, pack(time_s, payload, EVENT).tobytes())

    def _names(self, entity: Entity, first: int, count: int) -> list[str]:
        return [f"{self.name}-{entity}-{number}" for number in range(first, first + count)]

    def _ids(self, entity: Entity, numbers: Ints) -> Ids:
        return np.array([f"{self.name}-{entity}-{number}" for number in numbers.tolist()], object)


def busy_history(a_day: int) -> bytes:
    """A terminal's, at which so many transactions a day are made, all through what is kept."""
    now_s, keep_s = NOW_MS // 1000, RETENTION.keep_s("terminal")
    exact = min(RETENTION.most_records("terminal") - keep_s // HOUR_S, a_day * keep_s // DAY_S)
    time_s = now_s - np.arange(exact)[::-1] * DAY_S // a_day
    hours = np.arange(now_s - keep_s, hour_of(time_s[:1])[0], HOUR_S)
    tiles = pack(hours, np.full(len(hours), a_day * HOUR_S // DAY_S), COUNT)
    return tiles.tobytes() + pack(time_s, np.zeros_like(time_s), EVENT).tobytes()


def _random_ids(count: int, rng: np.random.Generator) -> Ids:
    """Anywhere among those that stand in the ledger, as ids of payments are."""
    return np.array([f"{number:016x}" for number in rng.integers(0, 1 << 62, count).tolist()], object)
