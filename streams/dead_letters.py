"""Dead letters: the original bytes and key, with headers that say where from and why."""

from importlib.metadata import version

from streams.arrivals import DeadLetter

SCHEMA_VERSION = "1"


def headers_of(letter: DeadLetter) -> dict[str, bytes]:
    """The headers of a dead letter, as texts in UTF-8."""
    texts = {
        "reason": letter.reason,
        "detail": letter.detail,
        "stage": letter.stage,
        "source_topic": letter.topic,
        "source_topic_id": letter.topic_id,
        "source_partition": str(letter.partition),
        "source_offset": str(letter.offset),
        "source_timestamp": str(letter.timestamp_ms),
        "attempt": "1",
        "app_version": version("fraudml"),
        "schema_version": SCHEMA_VERSION,
    }
    return {name: text.encode() for name, text in texts.items()}
