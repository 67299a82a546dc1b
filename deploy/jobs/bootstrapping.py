"""What a deployment needs before its first worker, once: schema, topics, users, secrets, first models.

Each step does what is missing and leaves the rest, so it may run before every start; a second run changes
nothing. Two at once do the work once: the second waits for the first, then finds it done.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from deploy import migrations
from deploy.access import redis_users
from deploy.jobs.awaiting_stores import await_stores, stores_awaited
from deploy.jobs.first_models import first_models
from deploy.jobs.generated_secrets import GeneratedSecrets
from deploy.jobs.making_secrets import make_secrets
from deploy.jobs.signing_keys import make_signing_keys, sign_registered, signing
from deploy.stack import kafka_topics
from deploy.stack.report import Report
from models.errors import LedgerUnavailable
from streams.files_of_secrets import newest
from streams.settings import Settings
from streams.topics import topics

LOCK = 0x626F6F7473  # one bootstrap at a time; a migration has its own
APPLICATION = "fraudml-bootstrap"

Step = Callable[[], bool]
"""Says whether it changed anything."""


def bootstrap(
    settings: Settings, kept: GeneratedSecrets, report: Report, *, models: bool, within_s: float
) -> bool:
    """Whether anything had to be done.

    Args:
        kept: where the generated secrets are.
        models: train, sign and promote first models where none is registered.
        within_s: how long each store, and another bootstrap, is waited for.
    Raises:
        Unavailable: a store is not there in time, or failed.
        SchemaUnknown: the database has a schema from a newer version.
        StackError: a topic has another number of partitions than it is set to have.
    """
    await_stores(stores_awaited(settings, registry=models), report, within_s)
    steps: list[Step] = [
        lambda: _schema(settings, report),
        lambda: _topics(settings, report),
        lambda: _redis_users(settings, report),
        lambda: make_secrets(settings, kept, report, secrets.token_bytes),
    ]
    if models:
        steps.append(lambda: make_signing_keys(settings, kept, report, secrets.token_bytes, sign_registered))
        steps.append(lambda: _first_models(settings, kept, report))
    with _alone(settings, report, within_s):
        return any([step() for step in steps])


def _schema(settings: Settings, report: Report) -> bool:
    before = migrations.current(settings)
    migrations.upgrade(settings)
    report.note(
        f"schema: {migrations.head()}, " + ("as it was" if before == migrations.head() else f"was {before}")
    )
    return before != migrations.head()


def _topics(settings: Settings, report: Report) -> bool:
    before = kafka_topics.partition_counts(settings.kafka_bootstrap_servers)
    made = [topic.name for topic in topics(settings) if topic.name not in before]
    kafka_topics.ensure(settings.kafka_bootstrap_servers, settings)
    report.note("topics: " + (f"made {', '.join(made)}" if made else "as they were"))
    return bool(made)


def _redis_users(settings: Settings, report: Report) -> bool:
    """Each time anew: a Redis that keeps no file of them forgets its users when it restarts."""
    named = redis_users.apply(settings)
    report.note("redis: functions loaded" + (f"; rights of {', '.join(named)}" if named else ""))
    return False


def _first_models(settings: Settings, kept: GeneratedSecrets, report: Report) -> bool:
    with signing(settings, kept) as signs:
        return first_models(signs, report)


@contextmanager
def _alone(settings: Settings, report: Report, within_s: float) -> Iterator[None]:
    """By a lock of the database, that goes with the connection: whoever dies holds nothing.

    Raises:
        LedgerUnavailable: Postgres failed, or another one has the lock for too long.
    """
    try:
        connection = psycopg.connect(
            newest(settings.database_url_migrator or settings.database_url),
            autocommit=True,
            connect_timeout=int(settings.ledger_timeout_s),
            application_name=APPLICATION,
            options=f"-c lock_timeout={int(within_s * 1000)}",
        )
        with connection:
            _lock(connection, report)
            yield
    except psycopg.errors.LockNotAvailable:
        raise LedgerUnavailable(
            f"another bootstrap has not ended within {within_s:.0f} s",
            next_step="see what it waits for, then try again",
        ) from None
    except psycopg.Error as error:
        raise LedgerUnavailable("Postgres failed", why=str(error).strip().split("\n")[0]) from None


def _lock(connection: "psycopg.Connection[tuple[bool]]", report: Report) -> None:
    found = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    if found and found[0]:
        return
    report.note("another bootstrap is at work: waiting for it")
    connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
