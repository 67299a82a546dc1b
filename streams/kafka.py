"""How our clients of Kafka are configured, and what their errors mean here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from models.errors import FraudError, KafkaUnavailable, SlotTaken
from streams.kafka_security import security_config
from streams.settings import Settings
from streams.topics import LARGEST_DEAD_LETTER_BYTES

Config = dict[str, Any]

# The coordinator has just started, or has just moved: another try finds it.
PASSING = frozenset(
    (
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError._WAIT_COORD,
    )
)

# What the client library has to say; it would write to standard error by itself.
log = logging.getLogger("kafka")

# At the default of 100 ms a transaction that meets the markers of the one before waits that long.
RETRY_BACKOFF_MS = 2


def client_config(settings: Settings, role: str) -> Config:
    """What every client shares.

    Raises:
        BadSetting: Kafka asks for something that is not set, or is no usable certificate.
    """
    return {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": f"fraudml-{role}",
        "socket.timeout.ms": int(settings.kafka_timeout_s * 1000),
        "socket.keepalive.enable": True,
        "retry.backoff.ms": RETRY_BACKOFF_MS,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 2000,
        "allow.auto.create.topics": False,
        "logger": log,
        **security_config(settings),
    }


def worker_config(settings: Settings) -> Config:
    """The consumer of a worker: nothing is committed, and no position is invented, behind our back."""
    return client_config(settings, f"worker-{settings.slot}") | {
        "group.id": settings.group_id,
        "group.instance.id": f"{settings.group_id}-{settings.slot}",
        # Topic by topic: each worker gets the same partitions of both. See docs/adr/0009.
        "partition.assignment.strategy": "range",
        "session.timeout.ms": int(settings.session_timeout_s * 1000),
        # Often, as a worker hears of a dead one in the answer.
        "heartbeat.interval.ms": int(settings.session_timeout_s * 100),
        "max.poll.interval.ms": 120_000,
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": 16_384,
        # Of each partition a little at a time: a lane's sweep must not hold all that has been fetched.
        "max.partition.fetch.bytes": 262_144,
        "fetch.error.backoff.ms": 50,
        "enable.partition.eof": True,
    }


def reader_config(settings: Settings, group: str) -> Config:
    """A reader that belongs to no worker: sees committed records alone, commits nothing."""
    return client_config(settings, "reader") | {
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        # What is fetched ahead is bounded, and an end is told soon.
        "queued.max.messages.kbytes": 16_384,
        "fetch.queue.backoff.ms": 20,
        "fetch.wait.max.ms": 100,
    }


def producer_config(settings: Settings, role: str) -> Config:
    """A producer whose records are neither lost nor doubled by its own retries."""
    return client_config(settings, role) | {
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 0,
        "delivery.timeout.ms": int(settings.kafka_timeout_s * 3000),
        "message.max.bytes": LARGEST_DEAD_LETTER_BYTES,
    }


def outbox_config(settings: Settings) -> Config:
    """The transactional producer of a worker's slot.

    What a dead worker has left open keeps its partitions from their next owner until Kafka aborts it: that
    must not last longer than Kafka takes to notice the death.
    """
    config = producer_config(settings, f"outbox-{settings.slot}")
    timeout_ms = int(settings.session_timeout_s * 1000)
    return config | {
        "transactional.id": f"{settings.group_id}-{settings.slot}",
        "transaction.timeout.ms": timeout_ms,
        "delivery.timeout.ms": min(timeout_ms, config["delivery.timeout.ms"]),
        "socket.timeout.ms": min(timeout_ms, config["socket.timeout.ms"]),
    }


@contextmanager
def our_errors(what: str) -> Iterator[None]:
    """The client's exceptions end here.

    Raises:
        KafkaUnavailable: whatever it was.
    """
    try:
        yield
    except KafkaException as error:
        raise KafkaUnavailable(
            f"Kafka failed to {what}", why=words_of(error), next_step="fraudml status"
        ) from error
    except TimeoutError as error:
        raise KafkaUnavailable(
            f"Kafka did not {what}", why="it does not answer", next_step="fraudml status"
        ) from error


# A consumer knows no other fatal error than this one.
FENCED = (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL)


def consumer_failure(error: KafkaException) -> FraudError:
    """What it means that a consumer cannot go on."""
    if error_of(error).code() in FENCED:
        return SlotTaken(
            "another worker has the slot of this one",
            why=words_of(error),
            next_step="give each worker a slot of its own: --slot, FRAUDML_SLOT",
        )
    return KafkaUnavailable("the consumer failed", why=words_of(error))


def patience(within_s: float, *, reraise: bool = False) -> Retrying:
    """Calls again while Kafka says that trying again may help.

    Raises, after so long: RetryError, or with `reraise` the last error.
    """
    return Retrying(
        retry=retry_if_exception(is_retriable),
        stop=stop_after_delay(within_s),
        wait=wait_exponential_jitter(multiplier=0.05, max=2.0),
        reraise=reraise,
    )


def is_retriable(error: BaseException) -> bool:
    return isinstance(error, KafkaException) and _says_retry(error_of(error))


def _says_retry(error: KafkaError) -> bool:
    """The client library says so of what a transactional producer meets, and of nothing else."""
    return bool(error.retriable()) or error.code() in PASSING


def error_of(error: KafkaException) -> KafkaError:
    return error.args[0]


def words_of(error: KafkaException) -> str:
    inner = error.args[0] if error.args else error
    return str(inner.str()) if isinstance(inner, KafkaError) else str(inner)


def topic_ids(admin: AdminClient, topics: list[str], timeout_s: float) -> dict[str, str]:
    """Kafka's ids of topics: a topic made again under its old name has another.

    Raises:
        KafkaUnavailable: no answer, or a topic does not exist.
    """
    with our_errors("describe topics"):
        futures = admin.describe_topics(TopicCollection(topics), request_timeout=timeout_s)
        # The client answers in time by itself, if only with an error.
        return {name: str(future.result(2 * timeout_s).topic_id) for name, future in futures.items()}
