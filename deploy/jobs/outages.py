"""The table of outages: each dependency of the gateways is away in turn, on a stack of its own."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from random import Random
from typing import Any

from deploy.jobs.benchmarks import worker_environment
from deploy.jobs.chaos import await_records, steadily
from deploy.jobs.connections import scan_of
from deploy.jobs.gateways import front_door
from deploy.jobs.promotable import register_promotable
from deploy.origins import refuse_external_servers
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from deploy.stack.temporary import temporary_stack
from deploy.stack.workers import STORES
from load.bench.progress_watch import ProgressWatch
from load.bench.throughput import push
from load.bench.worker_process import WorkerProcess
from load.chaos.callers import Question
from load.chaos.crew import Crew
from load.chaos.front_door import FrontDoor
from load.chaos.heard import ClientView, Reply
from load.chaos.outages import OUTAGES, Outage, Watch, heard_of, silent_ones
from load.columns import Transactions, concatenated
from load.documents import transaction_documents
from load.generator import START, simulate
from load.parameters import SimulatorParameters
from load.producer import Pusher
from streams.answered import answer_document
from streams.kafka import producer_config

CUSTOMERS = 1000
WARM_DAYS, TRAIN_DAYS = 14, 7
PER_CUSTOMER_AND_DAY = 1.8
RESTS_S = 40.0  # no more than that lies between two outages, on average
SHOWN = 5
Replies = list[tuple[Outage, list[Reply]]]


def bench_outages(rate: float, seconds: float, report: Report) -> dict[str, Any]:
    """`{"rate", "seconds", "silent", "disagree", "slowest_p99_ms", "outages": [...]}`"""
    refuse_external_servers("a benchmark")
    report.waiting("starting a stack")
    with temporary_stack((*STORES, "mlflow")) as stack:
        report.waiting("generating transactions and training models")
        needed = rate * len(OUTAGES) * (seconds + RESTS_S) / CUSTOMERS / PER_CUSTOMER_AND_DAY
        parameters = SimulatorParameters(customers=CUSTOMERS)
        days = list(simulate(parameters, seed=1, days=WARM_DAYS + int(needed) + 1))
        warm, asked = concatenated(days[:WARM_DAYS]), concatenated(days[WARM_DAYS:])
        last = START + timedelta(days=TRAIN_DAYS - 1)
        register_promotable(concatenated(days), START, last, stack.settings, stack.home, (), report)
        environment = worker_environment(stack)
        log = stack.home / "worker.log"
        with closing(Crew(lambda slot: WorkerProcess(environment, log, slot=slot))) as crew:
            crew.open(1)
            report.waiting("starting gateways")
            with front_door(stack, environment, steadily(rate), Random(1), patient=False) as door:
                report.waiting(f"warming histories with {len(warm):,} transactions")
                _warm(stack, warm)
                replies = _through_outages(stack, door, _questions(asked), seconds, report)
                # Gateways are needed still: theirs are the records that have not been sent.
                return {"rate": rate, "seconds": seconds, **_table(stack, door, replies, warm)}


def _warm(stack: Stack, table: Transactions) -> None:
    """Once gateways are ready, the models are at hand for the worker too."""
    settings = stack.settings
    pusher = Pusher(producer_config(settings, "bench"), clock=time.monotonic, sleep=time.sleep)
    with closing(ProgressWatch(settings.database_url, settings.transactions_topic)) as watch:
        push(pusher, settings.transactions_topic, table)
        watch.wait(len(table), check=lambda: None)


def _questions(table: Transactions) -> list[Question]:
    return list(map(Question, table.transaction_id.tolist(), transaction_documents(table)))


def _through_outages(
    stack: Stack, door: FrontDoor, questions: list[Question], seconds: float, report: Report
) -> Replies:
    watch = Watch(stack, door.callers.replies, time.sleep)
    found: Replies = []
    with ThreadPoolExecutor(1, "callers") as thread:
        asking = thread.submit(door.callers.run, questions)
        try:
            for outage in OUTAGES:
                report.waiting(f"{outage.name} {outage.how}")
                found.append((outage, watch.run(outage, seconds)))
        finally:
            door.callers.stop()
        asking.result()
    return found


def _table(stack: Stack, door: FrontDoor, replies: Replies, warm: Transactions) -> dict[str, Any]:
    """Once every answer's record has been read: the rows then say what was decided on what."""
    await_records(stack.settings)
    known = set(warm.customer_id.tolist())
    silent: set[str] = set()
    answers: dict[str, bytes] = {}
    with scan_of(stack.settings) as scan:
        for chunk in scan.exported():
            silent |= silent_ones(chunk, known)
            answers.update((row.decided.transaction_id, answer_document(row.decided)) for row in chunk)
    view = ClientView()
    breaches = list(view.breaches(door.callers.heard, answers))
    heard = [heard_of(outage, some, silent) for outage, some in replies]
    return {
        "silent": len(silent),
        "disagree": view.disagree + view.overtaken,
        "slowest_p99_ms": max(each.p99_ms for each in heard),
        "outages": [each.document() for each in heard],
        "first": breaches[:SHOWN],
    }
