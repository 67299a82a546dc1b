"""What the gateway answers, as OpenAPI 3.1 with an example of every body and of every problem."""

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import orders
from api.bodies import AskedTransaction, SentFinding, SentFindings, SentLabel
from api.case_context import CaseContext
from api.key_usage import KeyUsages
from api.problems import KINDS, MEDIA_TYPE, PAGES
from api.route import Content, Route
from api.statistics import Statistics
from models.decision import Alert, Decision
from models.promotions import Model
from models.review import CaseDocument
from models.scopes import SCOPES
from streams.key_desk import NewKey, RotatedKey
from streams.ledger.keys import KeyRecord
from streams.ledger.review_queue import CaseView, QueuedCase
from streams.ledger.users import UserRecord
from streams.letter_desk import LetterCount, Replayed, ShownLetter
from streams.quality.documents import Drift, Quality, WhatIf

TYPES: dict[str, Any] = {
    "Transaction": AskedTransaction,
    "Label": SentLabel,
    "Decision": Decision,
    "Alert": Alert,
    "Statistics": Statistics,
    "Quality": Quality,
    "WhatIf": WhatIf,
    "Drift": Drift,
    "CaseDocument": CaseDocument,
    "CaseView": CaseView,
    "CaseContext": CaseContext,
    "Finding": SentFinding,
    "Findings": SentFindings,
    "QueuedCase": QueuedCase,
    "AskedKey": orders.AskedKey,
    "AskedRotation": orders.AskedRotation,
    "Explanation": orders.Explanation,
    "AskedUser": orders.AskedUser,
    "AskedPassword": orders.AskedPassword,
    "AskedRole": orders.AskedRole,
    "AskedSession": orders.AskedSession,
    "Vouched": orders.Vouched,
    "Session": orders.Session,
    "UserRecord": UserRecord,
    "AskedReplay": orders.AskedReplay,
    "ShownLetter": ShownLetter,
    "LetterCount": LetterCount,
    "Replayed": Replayed,
    "KeyRecord": KeyRecord,
    "KeyUsages": KeyUsages,
    "NewKey": NewKey,
    "RotatedKey": RotatedKey,
    "Model": Model,
    "AskedPromotion": orders.AskedPromotion,
    "AskedRollback": orders.AskedRollback,
    "Promoted": orders.Promoted,
    "AskedSplit": orders.AskedSplit,
    "AskedPolicy": orders.AskedPolicy,
    "AuditPage": orders.AuditPage,
}
EVERYWHERE = (
    "unauthenticated", "forbidden", "rate_limited", "too_many_failures", "overloaded", "no_time_left",
    "unavailable", "internal",
)  # fmt: skip
PROBLEM = {"$ref": "#/components/schemas/Problem"}


def openapi_of(app: FastAPI, routes: Sequence[Route]) -> dict[str, Any]:
    """The document of an app that has these routes."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary="Decisions over HTTP.",
        routes=app.routes,
    )
    for route in routes:
        described = document["paths"][route.path][route.method.lower()]
        described["responses"] = _responses(route)
        if route.bodies:
            content = {each.media_type: _content(each) for each in route.bodies}
            described["requestBody"] = {"required": True, "content": content}
        if route.scope:
            described["security"] = [{"key": [route.scope]}]
            described["description"] = f"Needs the scope `{route.scope}`: {SCOPES[route.scope]}."
    document["components"] = _components()
    return document


def _content(content: Content) -> dict[str, Any]:
    return {"schema": content.schema, "example": content.example}


def _responses(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        str(status): {"description": "as asked", "content": {content.media_type: _content(content)}}
        for status, content in route.answers.items()
    }
    if route.headers:
        headers = {
            name: {"description": what, "schema": {"type": "string"}} for name, what in route.headers.items()
        }
        found = {status: {**answer, "headers": headers} for status, answer in found.items()}
    if route.otherwise:
        first = found[str(min(route.answers))]["content"]
        first[route.otherwise.media_type] = _content(route.otherwise)
    codes = (*route.problems, *(EVERYWHERE if route.scope else ()), "unknown_parameter")
    for status in sorted({int(KINDS[code].status) for code in codes}):
        mine = [code for code in dict.fromkeys(codes) if KINDS[code].status == status]
        found[str(status)] = {
            "description": "; ".join(KINDS[code].title for code in mine),
            "content": {MEDIA_TYPE: {"schema": PROBLEM, "examples": _examples(mine)}},
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
