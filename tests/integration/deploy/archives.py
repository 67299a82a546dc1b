"""A ledger with a month that is old enough to leave, and questions about what became of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psycopg
import pyarrow.parquet as pq

from deploy.jobs.archiving import Orders, archive
from deploy.stack.report import Report
from models.decision import DecidedTransaction
from models.features import FEATURE_NAMES
from streams.answered import Answered
from streams.settings import Settings
from tests.builders import NOW, transaction
from tests.integration.streams.traffic import RealTraffic

JUNE = datetime(2025, 6, 17, 12, tzinfo=UTC)
AMOUNTS = (500, 20_000, 200_000)
OLD = [f"old-{n}" for n in range(7)]


class Words(Report):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Killed(BaseException):
    """What ends the work at once."""


def payment(name: str, **changes: Any) -> dict[str, Any]:
    number = int(name.rpartition("-")[2])
    attributes = {"channel": "web", "tries": number} if number % 2 else None
    return transaction(name, amount_minor=AMOUNTS[number % 3], attributes=attributes, **changes)


def taken(settings: Settings, to: Path, report: Report | None = None, **orders: Any) -> dict[str, Any]:
    return archive(settings, Orders(str(to), NOW, who="tester", **orders), report or Report())


def asked(settings: Settings, query: str) -> list[Any]:
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(query).fetchall()


def ids(settings: Settings) -> list[str]:
    return [name for (name,) in asked(settings, "SELECT transaction_id FROM decisions ORDER BY 1")]


def left_ids(settings: Settings) -> list[str]:
    return [name for (name,) in asked(settings, "SELECT transaction_id FROM archived_decisions ORDER BY 1")]


def in_files(to: Path) -> list[str]:
    tables = (pq.read_table(file) for file in to.rglob("*.parquet"))
    return [name for table in tables for name in table["transaction_id"].to_pylist()]


def decisions(traffic: RealTraffic) -> dict[str, DecidedTransaction]:
    found = {name: traffic.ledger.decision(name) for name in OLD}
    return {name: decided for name, decided in found.items() if decided is not None}


def by_rest(decided: DecidedTransaction) -> Answered:
    """As a gateway decides the same transaction anew."""
    made = msgspec.structs.replace(decided, path="rest", decided_at=NOW)
    return Answered(made, np.zeros(len(FEATURE_NAMES), np.float32))
