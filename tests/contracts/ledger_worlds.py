"""A ledger with what surrounds it, once as a double and once on Postgres."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any, Protocol

import msgspec
import numpy as np
import psycopg

from load.doubles import FakeLedger, FakeListings, Row
from models.archived import archived
from models.decision import DecidedTransaction
from models.errors import FraudError
from streams.codecs import encode
from streams.ledger import PostgresLedger
from streams.ledger.archiving import ArchivedMonth, PostgresArchiving
from streams.ledger.listing import PostgresListings
from streams.ledger.settling import COPIED_FROM
from streams.ports import AnswerLedger, Ledger, Listings
from streams.topics import Partition

NOBODY_LISTENS = "127.0.0.1:1"
TIMEOUT_S = 10.0
ALL_TIME = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
END_OTHER_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
ADD_SCORING = """
    INSERT INTO scorings (variant, model_name, model_version, policy_version, ab_version, feature_names)
    VALUES (%(variant)s, %(model_name)s, %(model_version)s, %(policy_version)s, %(ab_version)s, '{}')
    ON CONFLICT (variant, model_name, model_version, policy_version, ab_version, feature_names)
        DO UPDATE SET variant = excluded.variant
    RETURNING scoring_id
"""
ADD_DECISION = """
    INSERT INTO decisions (
        transaction_id, customer_id, terminal_id, amount_minor, currency, event_time, decided_at, score,
        scoring_id, decision, path, late, features, attributes, reasons
    ) VALUES (
        %(transaction_id)s, %(customer_id)s, %(terminal_id)s, %(amount_minor)s, %(currency)s, %(event_time)s,
        %(decided_at)s, %(score)s, %(scoring_id)s, %(decision)s, 'rest', %(late)s, '', %(attributes)s::jsonb,
        %(reasons)s::jsonb
    )
"""


class LedgerThatTells(Ledger, AnswerLedger, Protocol):
    """A ledger that operators and gateways can speak to, as both can."""

    def allow_poison(self, topic: str, partition: Partition, until_offset: int) -> None: ...


class LedgerWorld(Protocol):
    @property
    def ledger(self) -> LedgerThatTells:
        """One worker's."""

    def another(self) -> LedgerThatTells:
        """The same ledger as another worker has it."""

    def out_of_reach(self) -> LedgerThatTells:
        """A ledger whose server does not answer."""

    def interrupted(self) -> AbstractContextManager[None]:
        """For the next call on `ledger`, the server is away."""

    def listings(self) -> Listings:
        """The same ledger, as a list."""

    def decide_by_rest(self, decided: DecidedTransaction) -> None:
        """Put in a decision as the gateway does: without an owner."""

    def archive(self, transaction_id: str) -> None:
        """Have a decision leave for the archive."""

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        """Make calls at the same time, each on a ledger of its own; answers, or the errors that we name."""


def answer_of(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except FraudError as error:
        return error


class FakeLedgerWorld:
    """What one call does, no other interrupts."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()

    def another(self) -> FakeLedger:
        return self.ledger

    def out_of_reach(self) -> FakeLedger:
        return FakeLedger(reachable=False)

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        self.ledger.reachable = False
        yield
        self.ledger.reachable = True

    def listings(self) -> FakeListings:
        return FakeListings(self.ledger)

    def decide_by_rest(self, decided: DecidedTransaction) -> None:
        self.ledger.rows[decided.transaction_id] = Row(decided, None, np.empty(0, np.float32))

    def archive(self, transaction_id: str) -> None:
        self.ledger.archive(transaction_id)

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        return [answer_of(call) for call in calls]


@dataclass
class PostgresWorld:
    """copied_from: sweeps of so many rows are copied."""

    url: str
    copied_from: int = COPIED_FROM
    opened: list[PostgresLedger | PostgresListings] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = self.another()

    def another(self) -> PostgresLedger:
        return self._open(self.url)

    def out_of_reach(self) -> PostgresLedger:
        return self._open(f"postgresql://{NOBODY_LISTENS}/nowhere")

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        with psycopg.connect(self.url) as operator:
            operator.execute(END_OTHER_SESSIONS)
        yield

    def _open(self, url: str) -> PostgresLedger:
        ledger = PostgresLedger(url, TIMEOUT_S, "contracts", self.copied_from)
        self.opened.append(ledger)
        return ledger

    def listings(self, timeout_s: float = TIMEOUT_S) -> PostgresListings:
        listings = PostgresListings(self.url, timeout_s, "contracts")
        self.opened.append(listings)
        return listings

    def decide_by_rest(self, decided: DecidedTransaction) -> None:
        values = msgspec.structs.asdict(decided)
        values["attributes"] = encode(decided.attributes).decode() if decided.attributes else None
        values["reasons"] = encode(decided.reasons).decode()
        with psycopg.connect(self.url) as connection:
            row = connection.execute(ADD_SCORING, values).fetchone()
            assert row is not None
            connection.execute(ADD_DECISION, {**values, "scoring_id": row[0]})

    def archive(self, transaction_id: str) -> None:
        decided = self.ledger.decision(transaction_id)
        assert decided is not None
        with closing(PostgresArchiving(self.url, TIMEOUT_S)) as archiving:
            moved = archiving.move(ALL_TIME, [transaction_id], [archived(decided).body_hash])
            archiving.begin(ArchivedMonth(date(2026, 1, 1), "here", "f", 1, 1, "", decided.event_time))
        assert moved == 1

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        return together(calls)

    def close(self) -> None:
        for ledger in self.opened:
            ledger.close()


def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Calls in threads that set out at the same moment."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait(TIMEOUT_S)
        return answer_of(call)

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
