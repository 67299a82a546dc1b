"""Replay a table of transactions through Kafka."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from deploy.jobs.connections import applied_of, view_of
from load.column_map import read_column_map
from load.columns import Transactions
from load.producer import Pusher
from load.replay import Disturbance, Replay
from load.shapes import Shape
from load.transactions_file import read_transactions
from models.errors import BadFile
from streams.kafka import producer_config
from streams.settings import Settings


def read_days(file: Path, column_map: str, first: date | None, last: date | None) -> Transactions:
    """The transactions of whole UTC days, both included.

    Raises:
        BadFile: the file, the map or the days do not do.
    """
    if first and last and last < first:
        raise BadFile(f"--to {last} comes before --from {first}", next_step="exchange them")
    return read_transactions(file, read_column_map(column_map), start=first, end=last)


def replay_table(
    table: Transactions,
    settings: Settings,
    *,
    shape: Shape | None = None,
    disturbance: Disturbance | None = None,
    seed: int = 1,
    progress: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """Send a table in event-time order; counts, seconds and rate. shape: None for no limit.

    Raises:
        BadFile: the table's currency is not the deployment's.
        Unavailable: Kafka failed, or no worker applies what was sent.
    """
    _check_currency(table, settings)
    with view_of(settings) as view:
        replay = Replay(
            pusher=Pusher(producer_config(settings, "replay"), clock=time.monotonic, sleep=time.sleep),
            applied=applied_of(settings, view),
            transactions_topic=settings.transactions_topic,
            labels_topic=settings.labels_topic,
            clock=time.monotonic,
            sleep=time.sleep,
            rng=np.random.default_rng(seed),
            shape=shape,
            disturbance=disturbance or Disturbance(),
            progress=progress,
        )
        began = time.perf_counter()
        sent = replay.run(table.days())
    seconds = time.perf_counter() - began
    return {
        **asdict(sent),
        "seconds": round(seconds, 3),
        "tx_per_s": round((sent.transactions + sent.duplicates) / seconds, 1),
    }


def _check_currency(table: Transactions, settings: Settings) -> None:
    if table.currency != settings.currency:
        raise BadFile(
            f"these transactions are in {table.currency}",
            why=f"this deployment decides {settings.currency}",
            next_step=f"set currency in the map's [constants], or FRAUDML_CURRENCY={table.currency}",
        )
