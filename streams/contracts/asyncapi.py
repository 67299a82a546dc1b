"""The topics as an AsyncAPI 3.0 document, seen from the scorer: what it receives, and what it sends."""

from dataclasses import dataclass
from typing import Any

from streams.contracts.schemas import DOCUMENTS
from streams.dead_letters import SCHEMA_VERSION
from streams.settings import Settings
from streams.topics import Topic, topics

KAFKA_BINDING = "0.5.0"
INTRODUCTION = """\
Transactions come in, each gets exactly one decision, and a review or decline gives an alert.

Documents are JSON in UTF-8. Unknown fields are ignored, and documents only ever gain optional fields.
Alerts and dead letters are written in Kafka transactions: read them with `isolation.level=read_committed`.
Names of topics, partitions and limits are those of a deployment that sets none.
"""

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """What a topic carries, and what the scorer does with it: operations by name, `receive` or `send`."""

    topic: Topic
    message: str
    what: str
    operations: dict[str, str]


def asyncapi() -> Node:
    """The whole document, for a deployment's defaults, whatever the environment of this process says."""
    settings = Settings.model_construct()
    channels = channels_of(settings)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Fraud scorer", "version": SCHEMA_VERSION, "description": INTRODUCTION},
        "defaultContentType": "application/json",
        "servers": {"kafka": _server(settings)},
        "channels": {each.topic.name: _channel(each) for each in channels},
        "operations": {
            name: _operation(each, action) for each in channels for name, action in each.operations.items()
        },
        "components": {"messages": {each.message: _message(each.message) for each in channels}},
    }


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """Every topic of a deployment."""
    transactions, labels, alerts, *dead = topics(settings)
    returned = "Once its transaction has come, a label that waited for it is produced here again."
    takes = {"take_labels": "receive", "return_labels": "send"}
    return (
        Channel(transactions, "transaction", "Payments to decide.", {"decide_transactions": "receive"}),
        Channel(labels, "label", f"What became of the payments. {returned}", takes),
        Channel(alerts, "alert", "Reviews and declines, one alert each.", {"send_alerts": "send"}),
        *(_dead_letters(*each) for each in zip((transactions, labels), dead, strict=True)),
    )


def _dead_letters(original: Topic, topic: Topic) -> Channel:
    what = f"Records of `{original.name}` that can never be used."
    return Channel(topic, f"dead_{original.name}", what, {f"set_{original.name}_aside": "send"})


def _server(settings: Settings) -> Node:
    servers = {"default": settings.kafka_bootstrap_servers, "description": "KAFKA_BOOTSTRAP_SERVERS"}
    return {"host": "{bootstrap_servers}", "protocol": "kafka", "variables": {"bootstrap_servers": servers}}


def _channel(channel: Channel) -> Node:
    topic = channel.topic
    binding = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": {
            name: int(value) if value.isdigit() else value for name, value in topic.config.items()
        },
        "bindingVersion": KAFKA_BINDING,
    }
    return {
        "address": topic.name,
        "description": channel.what,
        "messages": {channel.message: {"$ref": f"#/components/messages/{channel.message}"}},
        "bindings": {"kafka": binding},
    }


def _operation(channel: Channel, action: str) -> Node:
    where = f"#/channels/{channel.topic.name}"
    return {
        "action": action,
        "channel": {"$ref": where},
        "messages": [{"$ref": f"{where}/messages/{channel.message}"}],
    }


def _message(message: str) -> Node:
    """A document with the customer as key, or any bytes with the headers of a dead letter."""
    if message in DOCUMENTS:
        file = f"./{message}.schema.json"
        # Not a bare $ref: AsyncAPI's own schema takes a key that is one for two things at once.
        key = {"description": "the customer, as text", "allOf": [{"$ref": f"{file}#/properties/customer_id"}]}
        return {"payload": {"$ref": file}, "bindings": _key(key)}
    original = {"description": "the original's bytes, as they came"}
    return {
        "contentType": "application/octet-stream",
        "headers": {"$ref": "./dead-letter.schema.json"},
        "payload": original,
        "bindings": _key(original),
    }


def _key(schema: Node) -> Node:
    return {"kafka": {"key": dict(schema), "bindingVersion": KAFKA_BINDING}}
