"""Harm done to the stores themselves, by their own commands or in their files."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from confluent_kafka.admin import AdminClient

from models.errors import LedgerUnavailable, NotFound, ViewUnavailable
from streams.kafka import client_config, reader_config, topic_ids
from streams.ledger import PostgresLedger
from streams.log_reader import LogReader
from streams.settings import Settings
from streams.topics import Partition

TIMEOUT_S = 10
DRILL = "fraudml-drill"
# Less than it holds already: every write is refused.
FULL_BYTES = 1


@contextmanager
def _redis(url: str) -> Iterator["redis.Redis"]:
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as client:
            yield client
    except redis.RedisError as error:
        raise ViewUnavailable("Redis failed", why=str(error)) from error


@contextmanager
def _postgres(url: str) -> Iterator["psycopg.Connection[Any]"]:
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=TIMEOUT_S, application_name=DRILL
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise LedgerUnavailable("Postgres failed", why=str(error).strip().split("\n")[0]) from error


def wipe_view(redis_url: str) -> None:
    """Everything in Redis is gone."""
    with _redis(redis_url) as client:
        client.flushall()


@contextmanager
def filled_view(redis_url: str) -> Iterator[None]:
    """Redis has no memory left, and evicts nothing."""
    with _redis(redis_url) as client:
        client.config_set("maxmemory", FULL_BYTES)
    try:
        yield
    finally:
        with _redis(redis_url) as client:
            client.config_set("maxmemory", 0)


def cut_aof(folder: Path, cut_bytes: int) -> int:
    """Cut the end off the newest incremental append-only file of a stopped server; how many bytes.

    Raises:
        NotFound: there is no such file.
    """
    files = sorted(folder.glob("appendonlydir/*.incr.aof"), key=lambda path: path.stat().st_mtime_ns)
    if not files:
        raise NotFound(f"there is no append-only file in {folder}")
    size = files[-1].stat().st_size
    with files[-1].open("r+b") as file:
        file.truncate(max(0, size - cut_bytes))
    return min(size, cut_bytes)


@contextmanager
def read_only_ledger(database_url: str) -> Iterator[None]:
    """Postgres takes no writes, as when its disk is full or it has become a standby."""
    with _postgres(database_url) as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on")
        # A session keeps what held when it began.
        end_connections(database_url)
        try:
            yield
        finally:
            connection.execute("ALTER ROLE CURRENT_USER RESET default_transaction_read_only")
    end_connections(database_url)


def end_connections(database_url: str) -> int:
    """Every session of the database ends but the drill's own; how many."""
    with _postgres(database_url) as connection:
        found = connection.execute(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name <> %s
            """,
            [DRILL],
        ).fetchone()
    return int(found[0]) if found else 0


def decided_under(database_url: str, version: str) -> bool:
    """Whether a row names this version of a split or a policy."""
    with _postgres(database_url) as connection:
        found = connection.execute(
            """
            SELECT EXISTS (
                SELECT FROM decisions JOIN scorings USING (scoring_id)
                WHERE %s IN (ab_version, policy_version)
            )
            """,
            [version],
        ).fetchone()
    return bool(found and found[0])


def scored_by(database_url: str, name: str, version: str) -> int:
    """How many rows name this version of a model."""
    with _postgres(database_url) as connection:
        found = connection.execute(
            """
            SELECT count(*) FROM decisions JOIN scorings USING (scoring_id)
            WHERE (model_name, model_version) = (%s, %s)
            """,
            [name, version],
        ).fetchone()
    return int(found[0]) if found else 0


def progress_of(settings: Settings, topic: str, numbers: Sequence[int]) -> dict[int, int]:
    """The first offset of each partition that is not settled."""
    with _ledger(settings) as ledger:
        return ledger.progress(_id_of(settings, topic), numbers)


def ends_of(settings: Settings, topic: str) -> dict[int, int]:
    """The offset after the last record of each partition."""
    with closing(LogReader(reader_config(settings, settings.group_id), settings.kafka_timeout_s)) as log:
        return {number: end for number, (_, end) in log.ends(topic).items()}


def allow_poison(settings: Settings, topic: str, number: int, until: int) -> None:
    """As an operator does who has looked at the malformed records."""
    with _ledger(settings) as ledger:
        ledger.allow_poison(topic, Partition(_id_of(settings, topic), number), until)


@contextmanager
def _ledger(settings: Settings) -> Iterator[PostgresLedger]:
    ledger = PostgresLedger(settings.database_url, TIMEOUT_S, DRILL)
    try:
        yield ledger
    finally:
        ledger.close()


def _id_of(settings: Settings, topic: str) -> str:
    admin = AdminClient(client_config(settings, "drill"))
    return topic_ids(admin, [topic], TIMEOUT_S)[topic]


@contextmanager
def held_progress(database_url: str) -> Iterator[None]:
    """Somebody else holds the rows that every sweep must lock."""
    with _postgres(database_url) as connection, connection.transaction():
        connection.execute("SELECT FROM progress FOR UPDATE")
        yield
