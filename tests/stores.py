"""Real Kafka, Redis and Postgres for tests marked `stack`: containers where an engine answers, else our own.

What a test writes lies in a database, a keyspace and topics that it has for itself, so order does not matter.
"""

import gc
import secrets
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from redis import Redis

from deploy.stack import kafka_topics
from deploy.stack.jars import locked_jars
from deploy.stack.ports import assign
from deploy.stack.stack import migrate_to_newest
from deploy.stack.temporary import own_settings, temporary_stack
from deploy.stack.waiting import until
from streams.roles import role_fields
from streams.settings import Settings

PARTITIONS = 2
POSTGRES_IMAGE = "postgres:18"
VALKEY_IMAGE = "valkey/valkey:9"
KAFKA_IMAGE = "apache/kafka:" + next(jar.version for jar in locked_jars() if jar.artifact == "kafka-clients")
KAFKA_READY_WITHIN_S = 90.0
# Of the keyspaces that every Redis has, the one that contract tests empty.
OWN_KEYSPACE = 1
OWN_DATABASE = "contracts"
KAFKA_ENVIRONMENT = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9094",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "OUTSIDE:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "8",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "8",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "6000",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_MESSAGE_MAX_BYTES": "3145728",
    "KAFKA_REPLICA_FETCH_MAX_BYTES": "3145728",
}
KIND = pytest.StashKey[str]()
_topic_names = count(1)


@dataclass(frozen=True, slots=True)
class Stores:
    """Running stores, with their topics and the ledger's schema. kind: what runs them, in words."""

    kind: str
    settings: Settings


def engine_answers() -> bool:
    """Whether containers can be had."""
    # The client does not close what it could not connect; seen here, it is nobody's leak.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        answers = _ping()
        gc.collect()
    return answers


def _ping() -> bool:
    from docker.errors import DockerException  # type: ignore[import-untyped]
    from testcontainers.core.docker_client import DockerClient

    try:
        client = DockerClient().client
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except DockerException:
        return False
    finally:
        client.close()


@contextmanager
def running_stores(home: Path) -> Iterator[Stores]:
    if not engine_answers():
        with temporary_stack(partitions=PARTITIONS) as stack:
            yield Stores("embedded stack (no container engine answered)", _operators(stack.settings))
        return
    with containers(home) as settings:
        kafka_topics.ensure(settings.kafka_bootstrap_servers, settings)
        migrate_to_newest(settings)
        yield Stores(f"containers ({POSTGRES_IMAGE}, {VALKEY_IMAGE}, {KAFKA_IMAGE})", settings)


def _operators(settings: Settings) -> Settings:
    """With the operators' addresses alone, as in containers: what a test changes of them is what it gets."""
    return settings.model_copy(update=dict.fromkeys(role_fields(), ""))


@contextmanager
def containers(home: Path) -> Iterator[Settings]:
    """The three stores in containers, on ports of this machine."""
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.community.valkey import ValkeyContainer

    with ExitStack() as running:
        password = secrets.token_hex(16)
        postgres = PostgresContainer(
            POSTGRES_IMAGE, username="fraudml", password=password, dbname="fraud_db", driver=None
        )
        valkey = ValkeyContainer(VALKEY_IMAGE).with_password(password)
        _run(running, postgres)
        _run(running, valkey)
        yield own_settings(
            home,
            partitions=PARTITIONS,
            kafka_bootstrap_servers=_run_kafka(running),
            database_url=postgres.get_connection_url(),
            redis_url=f"redis://:{password}@{valkey.get_host()}:{valkey.get_exposed_port()}/0",
        )


def _run(running: ExitStack, container: Any) -> None:
    running.callback(container.get_docker_client().client.close)
    running.enter_context(container)


def _run_kafka(running: ExitStack) -> str:
    """Kafka tells its clients its own address, so its port must be known before it starts."""
    from testcontainers.core.container import DockerContainer

    port = assign(["kafka"], {}, given={}).ports["kafka"]
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port).with_envs(**KAFKA_ENVIRONMENT)
    address = f"{container.get_docker_client().host()}:{port}"
    listeners = f"OUTSIDE://0.0.0.0:{port},INSIDE://localhost:9092,CONTROLLER://localhost:9094"
    container.with_env("KAFKA_LISTENERS", listeners)
    container.with_env("KAFKA_ADVERTISED_LISTENERS", f"OUTSIDE://{address},INSIDE://localhost:9092")
    _run(running, container)
    until(lambda: kafka_topics.cluster_id(address), within_s=KAFKA_READY_WITHIN_S)
    return address


@pytest.fixture(scope="session")
def stores(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Real stores for the whole run, started by the first test that asks."""
    with running_stores(tmp_path_factory.mktemp("stores")) as stores:
        pytestconfig.stash[KIND] = stores.kind
        yield stores


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if KIND in config.stash:
        terminalreporter.write_line(f"stores: {config.stash[KIND]}")


@pytest.fixture(scope="session")
def own_database(stores: Stores) -> str:
    """The address of a database beside the workers' own, with the ledger's schema."""
    server = stores.settings.database_url.rpartition("/")[0]
    with psycopg.connect(stores.settings.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(OWN_DATABASE)))
    url = f"{server}/{OWN_DATABASE}"
    migrate_to_newest(stores.settings.model_copy(update={"database_url": url}))
    return url


@pytest.fixture
def ledger_url(own_database: str) -> str:
    """The address of a ledger in which nothing was ever decided."""
    empty_ledger(own_database)
    return own_database


ONLY_ADDED_TO = ("audit", "policies", "ab_configs")


def empty_ledger(url: str) -> None:
    """Leave a database as its migrations do, with a new ledger id."""
    with psycopg.connect(url, options="-c lock_timeout=5000") as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
        # One statement needs no order of tables; truncation would make new files, which take long to sync.
        deletions = [
            sql.SQL("{} AS (DELETE FROM {})").format(sql.Identifier(f"no_{name}"), sql.Identifier(name))
            for (name,) in found
        ]
        _let_change(connection, True)
        connection.execute(sql.SQL("WITH {} SELECT").format(sql.SQL(", ").join(deletions)))
        connection.execute("INSERT INTO ledger DEFAULT VALUES")
        _let_change(connection, False)


def _let_change(connection: Any, may: bool) -> None:
    """What is only ever added to may be emptied for a test."""
    for table in ONLY_ADDED_TO:
        if connection.execute("SELECT to_regclass(%s)", [table]).fetchone()[0]:
            change = sql.SQL("DISABLE" if may else "ENABLE")
            connection.execute(
                sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(sql.Identifier(table), change)
            )


@pytest.fixture(scope="session")
def own_keyspace(stores: Stores) -> str:
    """The address of a keyspace beside the workers' own."""
    return f"{stores.settings.redis_url.rpartition('/')[0]}/{OWN_KEYSPACE}"


@pytest.fixture
def view_url(own_keyspace: str) -> str:
    """The address of an empty keyspace."""
    empty_view(own_keyspace)
    return own_keyspace


def empty_view(url: str) -> None:
    """Lose everything, the functions too, as a Redis does that starts with an empty disk."""
    with Redis.from_url(url, socket_timeout=5) as client:
        client.flushdb()
        client.function_flush()


@pytest.fixture
def own_topics(stores: Stores) -> Settings:
    """Settings with topics that nobody has written to, and a group that has committed nothing."""
    name = f"contract-{next(_topic_names)}"
    settings = stores.settings.model_copy(
        update={
            "transactions_topic": f"{name}-transactions",
            "labels_topic": f"{name}-labels",
            "alerts_topic": f"{name}-alerts",
            "group_id": name,
        }
    )
    kafka_topics.ensure(settings.kafka_bootstrap_servers, settings)
    return settings
