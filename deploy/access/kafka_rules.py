"""Kafka's access rules: what each role may do with topics, groups and transactions.

They say nothing to a Kafka without an authorizer, which lets everybody do everything.
`kafka_access` adds them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from streams.settings import Settings

READ, WRITE, DESCRIBE = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE
TOPIC, GROUP, TRANSACTION = ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID
EXACTLY, BEGINNING = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED


@dataclass(frozen=True)
class Rule:
    kind: ResourceType
    name: str
    operations: tuple[AclOperation, ...]
    pattern: ResourcePatternType = EXACTLY


def rules_of(settings: Settings) -> dict[str, tuple[Rule, ...]]:
    """By role. To read or to write is to describe too; nobody may make or delete a topic but the operator."""
    transactions, labels = settings.transactions_topic, settings.labels_topic
    letters = tuple(settings.dead_letter_topics.values())
    group, slots = settings.group_id, f"{settings.group_id}-"
    return {
        "worker": (
            *_each((transactions,), READ),
            # A label that had to wait is produced again.
            *_each((labels,), READ, WRITE),
            *_each((settings.alerts_topic, *letters), WRITE),
            Rule(GROUP, group, (READ,)),
            Rule(TRANSACTION, slots, (WRITE, DESCRIBE), BEGINNING),
        ),
        "gateway": (
            *_each((transactions, labels), WRITE),
            # It shows dead letters, and how far workers are.
            *_each(letters, READ),
            Rule(GROUP, group, (DESCRIBE,)),
        ),
        "auditor": (
            *_each((transactions, labels, settings.alerts_topic, *letters), READ),
            Rule(GROUP, group, (DESCRIBE,)),
        ),
    }


def _each(topics: Iterable[str], *operations: AclOperation) -> list[Rule]:
    return [Rule(TOPIC, topic, operations) for topic in topics]


def bindings(rules: Iterable[Rule], principal: str) -> list[AclBinding]:
    """principal: as Kafka names it, such as `User:worker`."""
    return [
        AclBinding(rule.kind, rule.name, rule.pattern, principal, "*", operation, AclPermissionType.ALLOW)
        for rule in rules
        for operation in rule.operations
    ]
