"""The contest: the same backlogs for all, in rounds that take turns at going first; a steady rate; a kill."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from load.bench.accounts import Accounts
from load.bench.latency import Latency, measure_latency
from load.bench.throughput import Throughput, push, work_off
from load.columns import Transactions
from load.peers.aftermath import aftermath
from load.peers.candidate import Candidate, Ours, Rival, Stores
from load.peers.losses import Losses
from load.producer import Pusher
from models.errors import Unavailable
from streams.kafka import producer_config

RATE = 1000.0
# A program that is only just fast enough is not measured: its queue would say how long the test was.
HEADROOM = 1.1
KILLED_OF = 24_000
LOOK_EVERY_S = 0.002
# After the last row: state and alerts come behind it.
SETTLE_S = 3.0
PRELUDE = 500

# What is accounted for: the candidate's own process and its children, not the stores.
PROCESS = "worker"

Tell = Callable[[str], None]


@dataclass
class Found:
    """Of one candidate."""

    rounds: list[Throughput] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    losses: Losses | None = None

    @property
    def tx_per_s(self) -> float:
        return median(each.tx_per_s for each in self.rounds)

    @property
    def cpu_us_per_tx(self) -> float:
        return median(each.cpu_us_per_tx[PROCESS] for each in self.rounds)

    def document(self) -> dict[str, Any]:
        rates = [each.tx_per_s for each in self.rounds]
        costs = [each.cpu_us_per_tx[PROCESS] for each in self.rounds]
        return {
            "tx_per_s": round(self.tx_per_s),
            "cpu_us_per_tx": round(self.cpu_us_per_tx, 1),
            "p50_ms": _middle([each.p50_ms for each in self.latencies]),
            "p99_ms": _middle([each.p99_ms for each in self.latencies]),
            **(self.losses.document() if self.losses else {"lost": None, "doubled": None}),
            "tx_per_s_range": [round(min(rates)), round(max(rates))],
            "cpu_us_per_tx_range": [round(min(costs), 1), round(max(costs), 1)],
            "p99_ms_range": _range([each.p99_ms for each in self.latencies]),
            "transactions": sum(each.transactions for each in self.rounds),
        }


def _middle(values_ms: Sequence[float]) -> float | None:
    return round(median(values_ms), 1) if values_ms else None


def _range(values_ms: Sequence[float]) -> list[float] | None:
    return [round(min(values_ms), 1), round(max(values_ms), 1)] if values_ms else None


class Contest:
    """table: transactions that nobody has seen, in order; each part of the contest takes its share."""

    def __init__(
        self,
        ours: Ours,
        rivals: Sequence[Rival],
        stores: Stores,
        pusher: Pusher,
        table: Transactions,
        tell: Tell,
        note: Tell,
    ) -> None:
        self._ours, self._rivals, self._stores = ours, rivals, stores
        self._pusher, self._table = pusher, table
        self._tell, self._note = tell, note
        self._topic = stores.settings.transactions_topic
        self._used = 0
        self.found: Mapping[str, Found] = {each.name: Found() for each in self._all}

    @property
    def _all(self) -> list[Candidate]:
        return [self._ours, *self._rivals]

    def _turns(self, number: int) -> list[Candidate]:
        """All, another one first each time."""
        first = number % len(self._all)
        return self._all[first:] + self._all[:first]

    def round(self, number: int, transactions: int, *, counts: bool) -> None:
        """Everybody works off the same backlog. counts: or is forgotten, as the first round is."""
        starts, backlog = self._new_backlog(transactions)
        for candidate in self._turns(number):
            self._tell(f"round {number}: {candidate.name}")
            candidate.begin(starts)
            count = candidate.at_most(len(backlog))
            process = candidate.process
            accounts = Accounts({PROCESS: process.process})
            measured = work_off(process, accounts, candidate.watch, sum(starts.values()), count)
            process.stop()
            self._note(f"round {number}: {candidate.name}, {measured.tx_per_s:,.0f} tx/s")
            if counts:
                self.found[candidate.name].rounds.append(measured)

    def steady(self, number: int, seconds: float, warm_up_s: float) -> None:
        """The latency of all that are fast enough, one after the other."""
        config = producer_config(self._stores.settings, "bench-peers")
        for candidate in self._turns(number):
            found = self.found[candidate.name]
            if found.tx_per_s < RATE * HEADROOM:
                continue
            self._tell(f"round {number}: {candidate.name} at {RATE:,.0f} tx/s")
            self._prelude(candidate)
            table = self._share(int(RATE * (seconds + warm_up_s)))
            try:
                found.latencies.append(
                    measure_latency(config, candidate.watch, self._topic, table, RATE, seconds, warm_up_s)
                )
            except Unavailable as error:
                self._note(f"{candidate.name}: {error}")
            candidate.process.stop()

    def _prelude(self, candidate: Candidate) -> None:
        """Have it running, and in its group, before anything is measured."""
        starts, some = self._new_backlog(PRELUDE)
        if candidate is not self._ours:  # which has to work off what others were measured with
            candidate.begin(starts)
        candidate.process.start()
        candidate.watch.wait(sum(starts.values()) + len(some), candidate.process.check)

    def kill(self) -> None:
        """Each is killed once it has half of a backlog, and started again. Programs per event get one that
        they are done with in time; a batch must be a small part of what the others get."""
        self._catch_up()
        slow = [each for each in self._all if each.at_most(KILLED_OF) < KILLED_OF]
        self._kill([each for each in self._all if each not in slow], KILLED_OF)
        if slow:
            self._kill(slow, min(each.at_most(KILLED_OF) for each in slow))

    def _kill(self, candidates: Sequence[Candidate], count: int) -> None:
        starts, backlog = self._new_backlog(count)
        for candidate in candidates:
            self._tell(f"killing {candidate.name}")
            candidate.begin(starts)
            before = sum(starts.values())
            candidate.process.start()
            candidate.watch.wait(before + count // 2, candidate.process.check, LOOK_EVERY_S)
            candidate.process.kill()
            candidate.process.start()
            self._end(candidate, before + count)
            self.found[candidate.name].losses = aftermath(candidate, self._stores, backlog)

    def _end(self, candidate: Candidate, total: int) -> None:
        try:
            candidate.watch.wait(total, candidate.process.check)
        except Unavailable as error:
            # What it has lost is counted.
            self._note(f"{candidate.name}: {error}")
        time.sleep(SETTLE_S)
        candidate.process.stop()

    def _catch_up(self) -> None:
        """Ours has one place in the log: what others were measured with lies before it."""
        self._ours.process.start()
        self._ours.watch.wait(sum(self._ends().values()), self._ours.process.check)
        self._ours.process.stop()

    def _new_backlog(self, count: int) -> tuple[Mapping[int, int], Transactions]:
        """Push a share, and give every peer the histories as they are before it."""
        for rival in self._rivals:
            rival.take_histories(self._ours.prefix())
        starts, table = self._ends(), self._share(count)
        push(self._pusher, self._topic, table)
        return starts, table

    def _ends(self) -> dict[int, int]:
        return {number: last for number, (_, last) in self._stores.log.ends(self._topic).items()}

    def _share(self, count: int) -> Transactions:
        share = self._table[self._used : self._used + count]
        self._used += count
        assert len(share) == count, "the table is made as long as the contest needs"
        return share
