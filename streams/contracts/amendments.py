"""What the schemas need beyond the documents' types.

INSTEAD: what is said of a type, but not so that every reader can use it. DESCRIPTIONS: of fields that have
none, or only their type's. ADDITIONS: what code enforces on single fields. UNSAID: what is refused all the
same, as no schema can say it.
"""

from typing import Any

# `format` alone asserts nothing in most validators, and takes any year and 23:59:60.
MOMENT = (
    "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)

# Members found in any schema, and what stands there instead.
INSTEAD = (({"format": "date-time"}, {"format": "date-time", "pattern": MOMENT}),)

DESCRIPTIONS = {
    "transaction_id": "names the payment: the same id is decided once; printable characters",
    "customer_id": "who pays, and the record's key; printable characters",
    "terminal_id": "where the payment is made; printable characters",
    "currency": "ISO 4217; one per deployment",
    "attributes": "whatever else is known; kept and passed on to alerts, not scored",
    "label_id": "names the label itself; printable characters",
    "label": "what became of the transaction; `unknown` takes an earlier verdict back",
    "source": "who says so",
    "decision": "what to do with the payment",
    "reasons": "what raised the score, strongest first; empty for what was approved",
    "variant": "which variant of the A/B split decided",
    "model_name": "the registered model that scored",
    "model_version": "its version in the registry",
    "policy_version": "version of the thresholds that made the score a decision",
    "ab_version": "version of the A/B split",
    "path": "how the transaction came: by the topic, or by REST",
    "degraded_reason": "what was missing when this was decided; null when nothing was",
    "decided_at": "RFC 3339; the scorer's clock",
    "alert_id": "follows from the transaction id: an alert that comes again has the same",
}

_ATTRIBUTE_TEXT = "/properties/attributes/anyOf/0/additionalProperties/anyOf/0"
_NO_NUL = {"not": {"pattern": r"\x00"}}

# Per document: a place in its schema, and the members it gains. Enforced by `check_transaction`,
# `alert_id_of` and `alerts_of`.
ADDITIONS: dict[str, dict[str, dict[str, Any]]] = {
    "transaction": {_ATTRIBUTE_TEXT: _NO_NUL},
    "alert": {
        _ATTRIBUTE_TEXT: _NO_NUL,
        "/properties/alert_id": {"format": "uuid"},
        "/properties/decision": {"enum": ["decline", "review"]},
    },
}

_UNSAID_OF_JSON = (
    "bytes that are not UTF-8, a byte order mark or a lone surrogate",
    "nesting of about a thousand levels or more",
    "a whole number written with a fraction or an exponent (1999.0, 1e3), which JSON Schema takes for one",
    "an id, or a name, with an unassigned character, or beyond U+FFFF an invisible or private one",
    "a card number: 13 to 19 digits, grouped or not, with a network's first digits and check digit",
    "a day that its month does not have, where the validator does not check formats",
)
_TIME = "an event time too far ahead of the broker's clock, or before 1970 once its offset is taken off"
UNSAID = {
    "transaction": (
        *_UNSAID_OF_JSON,
        "an attribute that is a number no double holds (1e999), or a whole number written out beyond 64 bits",
        _TIME,
        "a currency other than the deployment's",
    ),
    "label": (*_UNSAID_OF_JSON, _TIME),
}
