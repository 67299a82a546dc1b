"""The topics, made explicitly and checked: partitions decide who owns a customer, so they never drift."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourceType,
)

from deploy.stack.errors import StackError
from deploy.stack.waiting import TimedOut, until
from models.errors import KafkaUnavailable
from streams.kafka_security import security_config
from streams.settings import Settings
from streams.topics import Topic, topics

TIMEOUT_S = 10.0
REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL)
T = TypeVar("T")
# The client's own chatter about brokers that are not up yet; what matters is raised.
_silent = logging.getLogger("fraudml.kafka.admin")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


# As `security_config` makes it; that of a Kafka that asks for nothing.
Security = Mapping[str, Any]
OPEN: Security = {}


def admin(
    bootstrap: str, security: Security = OPEN, failed: Callable[[KafkaError], None] = lambda error: None
) -> AdminClient:
    """failed: hears what the client meets while it tries, such as a certificate that has expired."""
    config = {"bootstrap.servers": bootstrap, "socket.timeout.ms": int(TIMEOUT_S * 1000), "error_cb": failed}
    return AdminClient(config | dict(security), logger=_silent)


def cluster_id(bootstrap: str, timeout_s: float = 2.0) -> str:
    return str(_listed(bootstrap, timeout_s, OPEN).cluster_id)


def partition_counts(
    bootstrap: str, timeout_s: float = TIMEOUT_S, security: Security = OPEN
) -> dict[str, int]:
    found = _listed(bootstrap, timeout_s, security).topics
    return {name: len(topic.partitions) for name, topic in found.items()}


def _listed(bootstrap: str, timeout_s: float, security: Security) -> Any:
    """What the broker tells of itself; where it does not, the reason that its client has met last.

    Raises:
        StackError: it refuses us, or we do not believe it.
        KafkaUnavailable: it does not answer.
    """
    met: list[KafkaError] = []
    client = admin(bootstrap, security, met.append)
    try:
        return _told(lambda: client.list_topics(timeout=timeout_s))
    except KafkaUnavailable:
        client.poll(0)  # what it has met is told here alone
        if refusals := [error for error in met if _is_refusal(error)]:
            raise StackError(
                f"Kafka at {bootstrap} and we do not trust each other",
                why=refusals[-1].str(),
                next_step="check FRAUDML_KAFKA_*: protocol, name, password, certificates and their dates",
            ) from None
        raise


def _is_refusal(error: KafkaError) -> bool:
    """A broker says only after the handshake that it does not believe our certificate: a receive fails."""
    is_alert = error.code() == KafkaError._TRANSPORT and "tls alert" in error.str()
    return is_alert or error.code() in REFUSALS


def ensure(bootstrap: str, settings: Settings) -> None:
    """Make the topics that are missing and check those that are there.

    Raises:
        BadSetting: what the settings say of TLS and SASL cannot be.
        StackError: a topic has another number of partitions than it is set to have, or Kafka refuses us.
        KafkaUnavailable: it does not answer.
    """
    wanted = topics(settings)
    security = security_config(settings)
    there = partition_counts(bootstrap, security=security)
    client = admin(bootstrap, security)
    _make(client, [topic for topic in wanted if topic.name not in there], settings.replication)
    try:
        until(lambda: _all_seen(bootstrap, security, wanted), within_s=TIMEOUT_S)
    except TimedOut:
        raise KafkaUnavailable("Kafka made the topics and does not show them") from None
    if wrong := wrong_partitions(wanted, partition_counts(bootstrap, security=security)):
        raise StackError(
            "; ".join(wrong),
            why="the number of partitions of a topic with records in it cannot be changed",
            next_step="set FRAUDML_PARTITIONS to what the topics have, or fraudml down --data to begin anew",
        )
    _set_configs(client, wanted)


def wrong_partitions(wanted: tuple[Topic, ...], counts: Mapping[str, int]) -> list[str]:
    """What is wrong, in words; a topic that is not there has no wrong number of partitions."""
    return [
        f"topic {topic.name} has {counts[topic.name]} partitions, not {topic.partitions}"
        for topic in wanted
        if counts.get(topic.name, topic.partitions) != topic.partitions
    ]


def _make(client: AdminClient, missing: list[Topic], replication: int) -> None:
    if not missing:
        return
    new = [NewTopic(topic.name, topic.partitions, replication, config=topic.config) for topic in missing]
    for future in client.create_topics(new, request_timeout=TIMEOUT_S).values():
        _told(lambda future=future: future.result(timeout=TIMEOUT_S))  # type: ignore[misc]


def _set_configs(client: AdminClient, wanted: tuple[Topic, ...]) -> None:
    """Bring topics from an earlier version to the configuration of this one."""
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in wanted]
    configs = {topic.name: topic.config for topic in wanted}
    found = _results(client.describe_configs(resources, request_timeout=TIMEOUT_S))
    changes = []
    for resource, entries in found.items():
        differing = [
            ConfigEntry(
                name,
                value,
                source=ConfigSource.DYNAMIC_TOPIC_CONFIG,
                incremental_operation=AlterConfigOpType.SET,
            )
            for name, value in configs[resource.name].items()
            if entries[name].value != value
        ]
        if differing:
            changes.append(ConfigResource(ResourceType.TOPIC, resource.name, incremental_configs=differing))
    if changes:
        _results(client.incremental_alter_configs(changes, request_timeout=TIMEOUT_S))


def _all_seen(bootstrap: str, security: Security, wanted: tuple[Topic, ...]) -> bool:
    return {topic.name for topic in wanted} <= partition_counts(bootstrap, security=security).keys()


def _results(futures: Mapping[Any, Any]) -> dict[Any, Any]:
    return _told(lambda: {key: future.result(timeout=TIMEOUT_S) for key, future in futures.items()})


def _told(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except TimeoutError as error:
        raise KafkaUnavailable("Kafka does not answer", why=str(error)) from None
    except KafkaException as error:
        reason = error.args[0]
        if reason.code() > 0 and not reason.retriable():  # the broker's own words; below 0 are the client's
            raise StackError("Kafka refused", why=reason.str()) from None
        raise KafkaUnavailable("Kafka does not answer", why=reason.str()) from None
