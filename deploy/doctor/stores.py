"""Checks of the stores: reachable, new enough, set up so that the promise holds."""

from collections.abc import Iterator

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict

from deploy.doctor.clocks import clock
from deploy.doctor.findings import Finding, fail, failed_with, ok, warn
from deploy.doctor.redis_servers import CONNECT_WITHIN_S, UP, view
from deploy.stack import kafka_topics
from models.errors import FraudError, KafkaUnavailable, Misuse
from streams.failures import of_postgres
from streams.files_of_secrets import newest
from streams.kafka_security import security_config
from streams.ledger.connection import SCHEMA, Connector
from streams.settings import Settings
from streams.topics import topics

WRITTEN = "write it as postgresql://user:password@host:5432/database"
ASKED = """
select current_setting('server_version'), current_setting('fsync'), extract(epoch from now())
"""

SCHEMA_THERE = "select version_num from alembic_version"


def check_stores(settings: Settings) -> Iterator[Finding]:
    yield from kafka(settings)
    yield from view(settings)
    yield from ledger(settings)
    yield registry(settings)


def kafka(settings: Settings) -> Iterator[Finding]:
    bootstrap = settings.kafka_bootstrap_servers
    try:
        counts = kafka_topics.partition_counts(bootstrap, CONNECT_WITHIN_S, security_config(settings))
    except (KafkaUnavailable, Misuse) as error:
        yield failed_with("kafka", error, UP)
        return
    yield ok("kafka", f"answers at {bootstrap}")
    yield topic_partitions(settings, counts)


def topic_partitions(settings: Settings, counts: dict[str, int]) -> Finding:
    wanted = topics(settings)
    if missing := [topic.name for topic in wanted if topic.name not in counts]:
        return fail("topics", f"missing: {', '.join(missing)}", "fraudml up makes them on the embedded Kafka")
    if wrong := kafka_topics.wrong_partitions(wanted, counts):
        return fail("topics", "; ".join(wrong), "set FRAUDML_PARTITIONS to what the topics have")
    return ok("topics", f"{len(wanted)} with {settings.partitions} partitions each")


def ledger(settings: Settings) -> Iterator[Finding]:
    url = newest(settings.database_url)
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The library's own words would quote it, password and all.
        yield fail("postgres", "DATABASE_URL is no address of a Postgres database", WRITTEN)
        return
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_WITHIN_S) as connection:
            row = connection.execute(ASKED).fetchone()
    except psycopg.Error as error:
        yield failed_with("postgres", of_postgres("does not answer", str(error).splitlines()[0], UP))
        return
    assert row is not None
    version, fsync, now = row
    yield ok("postgres", str(version))
    yield durable(str(fsync))
    yield schema(settings)
    yield clock("postgres", float(now))


def durable(fsync: str) -> Finding:
    """Synchronous commits are what workers ask for themselves; this nobody can ask for."""
    if fsync == "off":
        why = "fsync is off: what the ledger has acknowledged is lost with the power"
        return fail("postgres durability", why, "set fsync = on in postgresql.conf")
    return ok("postgres durability", f"fsync is {fsync}")


def schema(settings: Settings) -> Finding:
    """Connects as a worker does, which refuses a schema that it does not know."""
    connector = Connector(settings.database_url, CONNECT_WITHIN_S, "fraudml doctor")
    try:
        with connector.use() as connection:
            return known_schema(str(connection.execute(SCHEMA_THERE).fetchall()[0][0]))
    except FraudError as error:
        return failed_with("schema", error)
    finally:
        connector.close()


def known_schema(found: str) -> Finding:
    """One that we may work with: ours, or a newer one that serves us while a new version is rolled out."""
    if found == SCHEMA:
        return ok("schema", f"{found}, as this version needs it")
    return warn(
        "schema", f"{found}, of a newer version: it serves ours, {SCHEMA}", "install that version here"
    )


def registry(settings: Settings) -> Finding:
    """Only a warning: workers decide with the model they have."""
    address = settings.mlflow_tracking_uri
    try:
        version = httpx.get(f"{address}/version", timeout=CONNECT_WITHIN_S).raise_for_status().text
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return warn("mlflow", f"does not answer at {address}: {error}", UP)
    return ok("mlflow", version)
