"""The main job, shown: simulated customers pay, workers decide, and what became of it is counted.

Each run goes on where the last one ended, on the same customers, so that every run sees new transactions and
warm histories, and an interrupted one is taken up again: what is sent twice is decided once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from deploy.jobs.asking_gateway import Answered, ask_once, key_for, wait_until_ready
from deploy.jobs.connections import ledger_of, log_of, scan_of
from deploy.jobs.first_models import SEED, TRAIN_DAYS, WARM_DAYS, train_if_new
from deploy.jobs.replaying import replay_table
from deploy.stack.report import Report
from load.bench.latency import Latency, measure_latency
from load.bench.progress_watch import ProgressWatch
from load.columns import Transactions, concatenated
from load.documents import transaction_documents
from load.generator import START, simulate
from load.parameters import SimulatorParameters
from models.decision import DecidedTransaction
from streams.kafka import producer_config
from streams.settings import Settings

SIMULATED = SimulatorParameters(customers=2000, customer_prefix="demo-c", terminal_prefix="demo-t")
# After those that fill the windows and train, 7 days pass until their labels are known, 7 are judged.
DELAY_DAYS, JUDGED_DAYS = 7, 7
FIRST_RUN_DAYS = WARM_DAYS + TRAIN_DAYS + DELAY_DAYS + JUDGED_DAYS
FIRST_JUDGED = FIRST_RUN_DAYS - JUDGED_DAYS
LIVE_RATE, LIVE_WARM_UP_S, LIVE_S = 500.0, 2.0, 5.0
SHOWN = 5

Document = dict[str, Any]


@dataclass(frozen=True)
class Days:
    """tables: the simulated days from the first on, the last of them for the live part. first: sent first."""

    tables: list[Transactions]
    first: int

    @property
    def replayed(self) -> list[Transactions]:
        return self.tables[self.first : -1]

    @property
    def live(self) -> Transactions:
        return self.tables[-1]

    @property
    def judged(self) -> Transactions:
        """The replayed transactions that no model was trained on and no window was still filling for."""
        return concatenated(self.tables[max(self.first, FIRST_JUDGED) : -1])


@dataclass(frozen=True)
class Caught:
    """What became of the judged transactions. flagged: reviews and declines."""

    transactions: int
    frauds: int
    frauds_flagged: int
    flagged: int


@dataclass(frozen=True)
class Shown:
    """One run of the demo."""

    decisions: list[DecidedTransaction]
    alerts: list[Document]
    alert_count: int
    caught: Caught
    replay: Document
    latency: Latency
    answered: Answered | None


def run_demo(settings: Settings, report: Report, gateway_url: str | None) -> Shown:
    """Train where no model is registered, replay, go live for some seconds, ask the gateway, and count.

    gateway_url: None where none runs.

    Raises:
        Unavailable: a store failed, or no worker decides.
    """
    with ledger_of(settings) as ledger:
        report.waiting("simulating customers")
        days = days_to_send(simulated_days(), lambda each: ledger.decision(each) is not None)
    train_if_new(days.tables, settings, report)
    with log_of(settings) as log:
        starts = {number: end for number, (_, end) in log.ends(settings.alerts_topic).items()}
    replayed = _replay(concatenated(days.replayed), settings, report)
    report.waiting(f"live: {LIVE_RATE:.0f} tx/s for {LIVE_S:.0f} s")
    latency = _live(days.live, settings)
    answered = None
    if gateway_url is not None:
        report.waiting("asking the gateway")
        answered = _asked(days.live[-1:], gateway_url, settings)
    report.waiting("counting")
    first, count = _alerts_since(starts, settings)
    decided = _decided(days.judged.transaction_id[:SHOWN].tolist(), settings)
    return Shown(decided, first, count, caught(days.judged, settings), replayed, latency, answered)


def simulated_days() -> Iterator[Transactions]:
    return simulate(SIMULATED, seed=SEED, days=10_000, start=START, prefix="demo-")


def days_to_send(tables: Iterator[Transactions], decided: Callable[[str], bool]) -> Days:
    """From the last day that was begun (it may not have been finished) to the end of this run."""
    days: list[Transactions] = []
    for table in tables:
        days.append(table)
        if not decided(table.transaction_id[0]):
            break
    begun = len(days) - 1
    wanted = FIRST_RUN_DAYS if begun < FIRST_RUN_DAYS else begun + JUDGED_DAYS
    while len(days) <= wanted:
        days.append(next(tables))
    return Days(days, max(0, begun - 1))


def _replay(table: Transactions, settings: Settings, report: Report) -> Document:
    with report.counting("replaying", len(table)) as progress:
        return replay_table(table, settings, progress=progress)


def _live(table: Transactions, settings: Settings) -> Latency:
    watch = ProgressWatch(settings.database_url, settings.transactions_topic)
    try:
        config = producer_config(settings, "demo")
        topic = settings.transactions_topic
        return measure_latency(config, watch, topic, table, LIVE_RATE, LIVE_S, LIVE_WARM_UP_S)
    finally:
        watch.close()


def _asked(table: Transactions, gateway_url: str, settings: Settings) -> Answered:
    """One more of the day, by a customer with a history."""
    wait_until_ready(gateway_url)
    (document,) = transaction_documents(table)
    with key_for(settings, "demo") as key:
        return ask_once(gateway_url, key, document)


def _alerts_since(starts: dict[int, int], settings: Settings) -> tuple[list[Document], int]:
    """The first of them, and how many."""
    first: list[Document] = []
    count = 0
    with log_of(settings) as log:
        ends = {number: end for number, (_, end) in log.ends(settings.alerts_topic).items()}
        for batch in log.read(settings.alerts_topic, ends, starts):
            missing = SHOWN - len(first)
            first += [msgspec.json.decode(message.value()) for message in batch[:missing]]
            count += len(batch)
    return first, count


def _decided(transaction_ids: list[str], settings: Settings) -> list[DecidedTransaction]:
    with ledger_of(settings) as ledger:
        found = [ledger.decision(each) for each in transaction_ids]
    return [each for each in found if each is not None]


def caught(table: Transactions, settings: Settings) -> Caught:
    """How many of a labelled table's frauds were sent to review or declined."""
    with scan_of(settings) as scan:
        verdicts = scan.verdicts(table.transaction_id.tolist())
    assert table.label is not None, "what is simulated is labelled"
    flagged = {each for each, verdict in verdicts.items() if verdict != "approve"}
    frauds = table.transaction_id[table.label == 1].tolist()
    return Caught(len(verdicts), len(frauds), sum(each in flagged for each in frauds), len(flagged))
