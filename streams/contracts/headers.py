"""The headers of a dead letter, as `streams.dead_letters` writes them; every value is text in UTF-8."""

from typing import Annotated

import msgspec
from msgspec import Meta

from streams.codecs import DETAIL_CHARACTERS

# What a decoder can say against a record. More may follow, so a reader must not take this for an enum.
REASONS = {
    "empty": "no value, or one of no bytes",
    "not_json": "not one JSON document in UTF-8",
    "too_deep": "nested about a thousand levels deep, or deeper",
    "missing_field": "a required field is missing",
    "wrong_type": "a field, or the document, is of another type",
    "invalid_value": "a value is outside its range, its length or its list",
    "unprintable_id": "an id holds a control or invisible character",
    "card_number": "a field holds a card number; the letter has a hash for its key, and no value",
    "currency": "not the currency of this deployment",
    "attributes": "an attribute's name is not printable, or its value holds a NUL or is outside 64 bits",
    "event_time_ahead": "the event time is too far ahead of the broker's clock",
    "event_time_before_1970": "the event time is before 1970",
    "no_transaction": "a label whose transaction has not come in time",
}

_REASONS_IN_WORDS = "".join(f"\n- `{reason}`: {meaning}" for reason, meaning in REASONS.items())
WholeNumber = {"pattern": "^[0-9]+$"}


class DeadLetterHeaders(msgspec.Struct, frozen=True):
    """The headers of a record on a topic `<topic>.dlq`; its key and value are the original's bytes."""

    reason: Annotated[
        str,
        Meta(min_length=1, description=f"why, as a stable code; more may follow:\n{_REASONS_IN_WORDS}"),
    ]
    detail: Annotated[str, Meta(max_length=DETAIL_CHARACTERS, description="the same for people; not stable")]
    stage: Annotated[str, Meta(min_length=1, description="where it was set aside: `decode`, or `parked`")]
    source_topic: Annotated[str, Meta(min_length=1, description="topic of the original")]
    source_topic_id: Annotated[str, Meta(min_length=1, description="Kafka's id of that topic")]
    source_partition: Annotated[str, Meta(description="its partition", extra_json_schema=WholeNumber)]
    source_offset: Annotated[str, Meta(description="its offset", extra_json_schema=WholeNumber)]
    source_timestamp: Annotated[
        str, Meta(description="when the broker took it, in ms since 1970", extra_json_schema=WholeNumber)
    ]
    attempt: Annotated[str, Meta(description="how often it was tried: once", extra_json_schema=WholeNumber)]
    app_version: Annotated[str, Meta(min_length=1, description="version of the scorer that set it aside")]
    schema_version: Annotated[
        str, Meta(description="version of these headers", extra_json_schema=WholeNumber)
    ]
