"""What spans and their attributes are called, and why some are dropped.

No id of a transaction, customer or key is among them.

Source: OpenTelemetry semantic conventions for HTTP and messaging.
"""

from collections.abc import Callable

SERVICE_NAME, SERVICE_VERSION = "service.name", "service.version"

HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"

MESSAGING_SYSTEM, KAFKA = "messaging.system", "kafka"
MESSAGING_OPERATION, PROCESS = "messaging.operation.type", "process"
TOPIC = "messaging.destination.name"
PARTITION = "messaging.destination.partition.id"
OFFSET = "messaging.kafka.offset"
RECORDS = "messaging.batch.message_count"

# Nobody took them quickly enough; whoever collects them did not take them.
QUEUE_FULL, EXPORT_FAILED = DROPPED = ("queue_full", "export_failed")

Dropped = Callable[[str, int], None]
"""Told why, and how many spans."""


def request_span(method: str, route: str) -> str:
    return f"{method} {route}"


def sweep_span(topic: str) -> str:
    return f"sweep {topic}"


def record_span(topic: str) -> str:
    return f"{PROCESS} {topic}"
