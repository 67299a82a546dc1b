"""What the gateway answers, as OpenAPI 3.1 with an example of every body and of every problem."""

from typing import Any, NamedTuple

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.bodies import AskedTransaction, SentLabel
from api.problems import KINDS, MEDIA_TYPE, PAGES
from models.decision import Decision
from models.scopes import SCOPES, Scope

JSON = "application/json"
NDJSON = "application/x-ndjson"
TYPES: dict[str, Any] = {"Transaction": AskedTransaction, "Label": SentLabel, "Decision": Decision}
EVERYWHERE = ("unauthenticated", "forbidden", "rate_limited", "overloaded", "unavailable", "internal")
OF_BODIES = (
    "empty", "not_json", "missing_field", "unknown_field", "duplicate_field", "wrong_type", "invalid_value",
    "unprintable_id", "card_number", "too_large", "unsupported_media_type",
)  # fmt: skip
OF_BATCHES = ("empty", "not_json", "too_many_items", "too_large", "unsupported_media_type")
PROBLEM = {"$ref": "#/components/schemas/Problem"}
OF_TRANSACTIONS = (*OF_BODIES, "currency", "attributes", "event_time_ahead", "event_time_before_1970")

TRANSACTION = {
    "transaction_id": "tx-1",
    "customer_id": "c-1",
    "terminal_id": "t-1",
    "amount_minor": 90_000,
    "currency": "EUR",
    "event_time": "2018-06-01T03:00:00Z",
    "attributes": {"channel": "web"},
}
DECISION = {
    "transaction_id": "tx-1",
    "decision": "review",
    "score": 0.513396506896423,
    "reasons": [
        {
            "code": "amount",
            "sentence": "The amount is 900.00 EUR; usual for this customer is 31.20 EUR.",
            "feature": "amount_minor",
            "value": 90_000.0,
            "usual": 3_120.0,
            "contribution": 7.99,
        }
    ],
    "variant": "champion",
    "model_name": "FraudDetection_XGBoost",
    "model_version": "1",
    "policy_version": "default-1",
    "ab_version": "default-1",
    "path": "rest",
    "degraded_reason": None,
    "late": False,
    "event_time": "2018-06-01T03:00:00Z",
    "decided_at": "2018-06-01T03:00:00.412345Z",
}
LABEL = {
    "label_id": "label-1",
    "transaction_id": "tx-1",
    "customer_id": "c-1",
    "label": "fraud",
    "source": "chargeback",
    "version": 1,
    "event_time": "2018-06-08T03:00:00Z",
}


class Content(NamedTuple):
    """A body: its schema, and an example of it."""

    schema: dict[str, Any]
    example: Any
    media_type: str = JSON


def _known(name: str, example: Any) -> Content:
    return Content({"$ref": f"#/components/schemas/{name}"}, example)


def _told(**example: Any) -> Content:
    kinds = {str: "string", int: "integer", list: "array"}
    fields = {name: {"type": kinds[type(value)]} for name, value in example.items()}
    return Content({"type": "object", "properties": fields, "required": list(fields)}, example)


class Operation(NamedTuple):
    """scope: None where no key is needed. bodies: by any of them. answers: by status. problems: beside those
    that come everywhere."""

    scope: Scope | None
    bodies: tuple[Content, ...]
    answers: dict[int, Content]
    problems: tuple[str, ...] = ()


RESULTS = _told(results=[{"index": 0, "status": 202, "transaction_id": "tx-1"}])
BATCH = Content(
    {"type": "array", "maxItems": 1000, "items": {"$ref": "#/components/schemas/Transaction"}}, [TRANSACTION]
)
LINES = Content({"type": "string"}, msgspec.json.encode(TRANSACTION).decode() + "\n", NDJSON)
ASKED, ANSWERED = _known("Transaction", TRANSACTION), _known("Decision", DECISION)
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("post", "/v1/score"): Operation(
        "score:write",
        (ASKED,),
        {200: ANSWERED, 202: ANSWERED},
        (*OF_TRANSACTIONS, "in_flight", "other_body", "answer_lost", "no_time_left"),
    ),
    ("post", "/v1/transactions"): Operation(
        "score:write", (ASKED,), {202: _told(transaction_id="tx-1")}, OF_TRANSACTIONS
    ),
    ("post", "/v1/transactions:batch"): Operation(
        "score:write",
        (BATCH, LINES),
        {200: RESULTS},
        ("empty", "not_json", "too_many_items", "too_large", "unsupported_media_type"),
    ),
    ("get", "/v1/decisions/{transaction_id}"): Operation(
        "decisions:read", (), {200: ANSWERED}, ("not_found",)
    ),
    ("post", "/v1/labels"): Operation(
        "labels:write", (_known("Label", LABEL),), {202: _told(label_id="label-1")}, OF_BODIES
    ),
    ("get", "/healthz"): Operation(None, (), {200: _told(status="ok")}),
    ("get", "/readyz"): Operation(None, (), {200: _told(status="ready"), 503: _told(status="not ready")}),
    ("get", "/version"): Operation(None, (), {200: _told(version="0.1.0")}),
}


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of an app whose routes are those above."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary="Decisions over HTTP.",
        routes=app.routes,
    )
    for (method, path), operation in OPERATIONS.items():
        described = document["paths"][path][method]
        described["responses"] = _responses(operation)
        if operation.bodies:
            content = {each.media_type: _content(each) for each in operation.bodies}
            described["requestBody"] = {"required": True, "content": content}
        if operation.scope:
            described["security"] = [{"key": [operation.scope]}]
            described["description"] = f"Needs the scope `{operation.scope}`: {SCOPES[operation.scope]}."
    document["components"] = _components()
    return document


def _content(content: Content) -> dict[str, Any]:
    return {"schema": content.schema, "example": content.example}


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        str(status): {"description": "as asked", "content": {content.media_type: _content(content)}}
        for status, content in operation.answers.items()
    }
    codes = (*operation.problems, *(EVERYWHERE if operation.scope else ()))
    for status in sorted({int(KINDS[code].status) for code in codes}):
        mine = [code for code in dict.fromkeys(codes) if KINDS[code].status == status]
        found[str(status)] = {
            "description": "; ".join(KINDS[code].title for code in mine),
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": _examples(mine)}
            },
        }
    return dict(sorted(found.items()))


def _examples(codes: list[str]) -> dict[str, Any]:
    return {code: {"value": _problem(code)} for code in codes}


def _problem(code: str) -> dict[str, Any]:
    kind = KINDS[code]
    return {
        "type": PAGES + code,
        "title": kind.title,
        "status": int(kind.status),
        "code": code,
        "detail": kind.meaning,
        "request_id": "0f6bd4c2a1e37d58",
    }


def _components() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(TYPES.values(), ref_template="#/components/schemas/{name}")
    for name, kind in TYPES.items():
        schemas[name] = schemas.pop(kind.__name__)
        schemas[name]["title"] = name
    text, place = {"type": "string"}, {"field": {"type": "string"}, "message": {"type": "string"}}
    fields = {
        **dict.fromkeys(("type", "title", "code", "detail", "request_id"), text),
        "status": {"type": "integer"},
    }
    errors = {"type": "array", "items": {"type": "object", "properties": place}}
    schemas["Problem"] = {
        "type": "object",
        "title": "Problem",
        "description": "RFC 9457.",
        "properties": {**fields, "errors": errors},
        "required": sorted(fields),
    }
    key = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    return {"schemas": schemas, "securitySchemes": {"key": key}}
