"""The topics, made explicitly and checked: partitions decide who owns a customer, so they never drift."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaException
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
from streams.settings import Settings
from streams.topics import Topic, topics

TIMEOUT_S = 10.0
T = TypeVar("T")
# The client's own chatter about brokers that are not up yet; what matters is raised.
_silent = logging.getLogger("fraudml.kafka.admin")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


def admin(bootstrap: str) -> AdminClient:
    return AdminClient(
        {"bootstrap.servers": bootstrap, "socket.timeout.ms": int(TIMEOUT_S * 1000)}, logger=_silent
    )


def cluster_id(bootstrap: str, timeout_s: float = 2.0) -> str:
    return str(_told(lambda: admin(bootstrap).list_topics(timeout=timeout_s)).cluster_id)


def partition_counts(bootstrap: str, timeout_s: float = TIMEOUT_S) -> dict[str, int]:
    found = _told(lambda: admin(bootstrap).list_topics(timeout=timeout_s)).topics
    return {name: len(topic.partitions) for name, topic in found.items()}


def ensure(bootstrap: str, settings: Settings) -> None:
    """Make the topics that are missing and check those that are there.

    Raises:
        StackError: a topic has another number of partitions than it is set to have.
        KafkaUnavailable: it does not answer.
    """
    wanted = topics(settings)
    client = admin(bootstrap)
    there = partition_counts(bootstrap)
    _make(client, [topic for topic in wanted if topic.name not in there], settings.replication)
    try:
        until(lambda: _all_seen(bootstrap, wanted), within_s=TIMEOUT_S)
    except TimedOut:
        raise KafkaUnavailable("Kafka made the topics and does not show them") from None
    if wrong := wrong_partitions(wanted, partition_counts(bootstrap)):
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


def _all_seen(bootstrap: str, wanted: tuple[Topic, ...]) -> bool:
    return {topic.name for topic in wanted} <= partition_counts(bootstrap).keys()


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
