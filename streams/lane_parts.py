"""A worker's lane and its parts: connections of its own, and what handles sweeps over them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

from streams.agents import Lane, SweepRunner
from streams.answered import Place, Signer
from streams.codecs import TransactionCodec
from streams.deciding import Decider
from streams.healing import ViewKeeper
from streams.insistence import Insistence
from streams.keeping import keeper_of
from streams.labels import LabelSweeps
from streams.ledger import PostgresLedger
from streams.metrics import Metrics
from streams.poison import PoisonGate, PoisonLimit
from streams.ports import Outbox
from streams.progress import Known
from streams.settings import Settings
from streams.spans import Spans
from streams.sweep import TransactionSweeps
from streams.view import RedisView
from streams.watchdog import Watchdog

Insist = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True, slots=True)
class Shared:
    """What the lanes of a worker have in common.

    outbox: takes what goes out. hold: has partitions read no further. heal_apart: None where sweeps wait for
    healing. refused: told of other people's marks. finished: told of the lane whose sweep is done.
    """

    settings: Settings
    metrics: Metrics
    watchdog: Watchdog
    spans: Spans
    stop: Event
    outbox: Outbox
    decider: Decider
    signer: Callable[[], Signer | None]
    hold: Callable[[str, Mapping[int, int]], None]
    heal_apart: Callable[[], None] | None
    refused: Callable[[str, Sequence[Place]], None]
    finished: Callable[[int], None]
    known_transactions: Known = field(default_factory=Known)
    known_labels: Known = field(default_factory=Known)

    def insistence(self, lane: int, what: str) -> Insistence:
        return Insistence(
            metrics=self.metrics,
            watchdog=self.watchdog,
            stop=self.stop,
            give_up_s=self.settings.give_up_s,
            lane=lane,
            what=what,
        )


def now() -> datetime:
    return datetime.now(UTC)


class LaneParts:
    def __init__(self, number: int, shared: Shared) -> None:
        settings = shared.settings
        self._number, self._shared = number, shared
        self.ledger = PostgresLedger(settings.database_url, settings.ledger_timeout_s, "fraudml-worker")
        self.view = RedisView(settings.redis_url, settings.view_timeout_s, settings.state_groups)
        keeper = keeper_of(self.ledger, self.view, shared.metrics, self._alive, shared.heal_apart)
        gate = PoisonGate(
            self.ledger, PoisonLimit(settings.poison_share, settings.poison_in_a_row), shared.hold
        )
        self.transactions = self._transactions(keeper, gate)
        self.labels = self._labels(keeper, gate)
        self.lane = Lane(self._runner(), ThreadPoolExecutor(1, thread_name_prefix=f"lane_{number}"))

    def open(self, insist: Insist) -> None:
        insist(self.ledger.identity)

    def close(self) -> None:
        self.ledger.close()
        self.view.close()

    def _alive(self, count: int) -> None:
        """Healing takes its time, and is no standstill."""
        self._shared.watchdog.alive(self._number)

    def _transactions(self, keeper: ViewKeeper, gate: PoisonGate) -> TransactionSweeps:
        shared, settings = self._shared, self._shared.settings
        return TransactionSweeps(
            codec=TransactionCodec(settings.currency, int(settings.clock_ahead_s * 1000)),
            signer=shared.signer,
            decider=shared.decider,
            ledger=self.ledger,
            keeper=keeper,
            outbox=shared.outbox,
            gate=gate,
            now=now,
            metrics=shared.metrics,
            refused=shared.refused,
            known=shared.known_transactions,
        )

    def _labels(self, keeper: ViewKeeper, gate: PoisonGate) -> LabelSweeps:
        shared = self._shared
        return LabelSweeps(
            ledger=self.ledger,
            keeper=keeper,
            outbox=shared.outbox,
            gate=gate,
            metrics=shared.metrics,
            ahead_ms=int(shared.settings.clock_ahead_s * 1000),
            wait_s=shared.settings.label_wait_s,
            known=shared.known_labels,
        )

    def _runner(self) -> SweepRunner:
        shared = self._shared
        settings = shared.settings
        return SweepRunner(
            {
                settings.transactions_topic: self.transactions.handle,
                settings.labels_topic: self.labels.handle,
            },
            insist=shared.insistence(self._number, "sweep"),
            finished=lambda: shared.finished(self._number),
            spans=shared.spans,
        )
