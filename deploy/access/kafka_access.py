"""Kafka's access rules, added where they are missing, and compared with what is there; none is taken away.

Others may use the same Kafka, and the same principal: what is there beyond the rules of ours is shown.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from deploy.access.kafka_rules import bindings, rules_of
from deploy.stack import kafka_topics
from deploy.stack.errors import StackError
from models.errors import KafkaUnavailable, Misuse
from streams.kafka import error_of, words_of
from streams.kafka_security import security_config
from streams.settings import Settings

TIMEOUT_S = 10.0
T = TypeVar("T")
State = Literal["declared", "there", "missing", "undeclared"]
NOBODY = "-"


class Told(NamedTuple):
    """A rule as it is shown. role: none for a rule that is not declared."""

    role: str
    principal: str
    kind: str
    name: str
    pattern: str
    operation: str
    permission: str
    state: State


def principals_of(named: Iterable[str], settings: Settings) -> dict[str, str]:
    """By role, of words such as `worker=User:worker`.

    Raises:
        Misuse: one has another form, or names no role, or one that has a principal already.
    """
    found: dict[str, str] = {}
    for each in named:
        role, _, principal = each.partition("=")
        kind, _, name = principal.partition(":")
        if role not in rules_of(settings) or role in found or not kind or name in ("", "*"):
            raise Misuse(
                f"--kafka {each} cannot be",
                why=f"it is a role and its principal, each role once. Roles: {', '.join(rules_of(settings))}",
                next_step="write it as --kafka worker=User:worker, or --kafka worker=User:CN=worker",
            )
        found[role] = principal
    return found


def add(settings: Settings, principals: Mapping[str, str]) -> int:
    """Add the rules of these roles that are missing. How many were.

    Args:
        principals: by role.
    Raises:
        StackError: Kafka has no authorizer, or we may not see or change its rules.
        KafkaUnavailable: it does not answer.
        BadSetting: what the settings say of TLS and SASL cannot be.
    """
    client = _connected(settings)
    there = _there(client, principals.values())
    missing = [each for _, each in _declared(settings, principals) if each not in there]
    for future in client.create_acls(missing, request_timeout=TIMEOUT_S).values() if missing else ():
        _answer(lambda future=future: future.result(2 * TIMEOUT_S))  # type: ignore[misc]
    return len(missing)


def compared(settings: Settings, principals: Mapping[str, str]) -> list[Told]:
    """The rules of these roles, each there or missing, and whatever else these principals may do or not do.

    Raises:
        As above.
    """
    there = _there(_connected(settings), principals.values())
    declared = _declared(settings, principals)
    ours = {each for _, each in declared}
    found = [_told(role, each, "there" if each in there else "missing") for role, each in declared]
    return found + sorted(_told("", each, "undeclared") for each in there - ours)


def declared(settings: Settings) -> list[Told]:
    """The rules of all roles; Kafka is not asked."""
    everybody = dict.fromkeys(rules_of(settings), NOBODY)
    return [_told(role, each, "declared") for role, each in _declared(settings, everybody)]


def _declared(settings: Settings, principals: Mapping[str, str]) -> list[tuple[str, AclBinding]]:
    rules = rules_of(settings)
    return [(role, each) for role in principals for each in bindings(rules[role], principals[role])]


def _connected(settings: Settings) -> AdminClient:
    """Whether we and the broker believe each other is told first, in one line; then, whether we may look.

    The client tells of no rules, instead of a refusal, to whoever may not see them or where nobody keeps any.
    """
    security = security_config(settings)
    kafka_topics.partition_counts(settings.kafka_bootstrap_servers, security=security)
    client = kafka_topics.admin(settings.kafka_bootstrap_servers, security)
    asked = client.describe_cluster(include_authorized_operations=True, request_timeout=TIMEOUT_S)
    cluster = _answer(lambda: asked.result(2 * TIMEOUT_S))
    if AclOperation.DESCRIBE not in (cluster.authorized_operations or ()):
        raise _refused("our user has no right to describe the cluster")
    _refuse_lawless(client, str(cluster.nodes[0].id))
    return client


def _refuse_lawless(client: AdminClient, broker: str) -> None:
    (asked,) = client.describe_configs(
        [ConfigResource(ResourceType.BROKER, broker)], request_timeout=TIMEOUT_S
    ).values()
    if not _answer(lambda: asked.result(2 * TIMEOUT_S))["authorizer.class.name"].value:
        raise _refused("it has no authorizer, so everybody may do everything")


def _there(client: AdminClient, principals: Iterable[str]) -> set[AclBinding]:
    any_of = (ResourceType.ANY, None, ResourcePatternType.ANY)
    found: set[AclBinding] = set()
    for principal in sorted(set(principals)):
        asked = AclBindingFilter(*any_of, principal, None, AclOperation.ANY, AclPermissionType.ANY)
        future = client.describe_acls(asked, request_timeout=TIMEOUT_S)
        found.update(_answer(lambda future=future: future.result(2 * TIMEOUT_S)))  # type: ignore[misc]
    return found


def _told(role: str, rule: AclBinding, state: State) -> Told:
    words = (rule.restype, rule.resource_pattern_type, rule.operation, rule.permission_type)
    kind, pattern, operation, permission = (each.name.lower() for each in words)
    return Told(role, rule.principal, kind, rule.name, pattern, operation, permission, state)


def _answer(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except TimeoutError:
        raise KafkaUnavailable("Kafka does not answer", next_step="try again") from None
    except KafkaException as error:
        if error_of(error).code() < 0:  # the client's own; above 0 are the broker's words
            raise KafkaUnavailable("Kafka does not answer", why=words_of(error)) from None
        raise _refused(words_of(error)) from None


def _refused(why: str) -> StackError:
    return StackError(
        "Kafka does not let us see or change its access rules",
        why=why,
        next_step="use a Kafka with an authorizer, and be one of its super.users for this command alone",
    )
