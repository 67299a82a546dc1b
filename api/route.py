"""A route of the gateway, declared once: who may ask, what with, and what may be answered."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import signature
from typing import Any, NamedTuple

from starlette.responses import Response

from models.scopes import Scope

JSON = "application/json"
NDJSON = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"

Handler = Callable[..., Awaitable[Response]]


class Content(NamedTuple):
    """A body: its schema, and an example of it."""

    schema: Mapping[str, Any]
    example: Any
    media_type: str = JSON


class Route(NamedTuple):
    """handler: its first line of documentation says what the route does; its parameters, beside the request,
    are those of the path, of the query and of headers. scope: None where no key is needed. bodies: by any of
    them. answers: by status. otherwise: the first answer, as another media type that may be asked for.
    problems: beside those that come everywhere. headers: that some of the answers have, and what they say.
    """

    method: str
    path: str
    handler: Handler
    answers: Mapping[int, Content]
    scope: Scope | None = None
    bodies: Sequence[Content] = ()
    problems: Sequence[str] = ()
    otherwise: Content | None = None
    headers: Mapping[str, str] = {}

    @property
    def takes_request_alone(self) -> bool:
        """Whether its handler has no parameters, of the path or others."""
        return len(signature(self.handler).parameters) == 1

    @property
    def tag(self) -> str:
        """What it is about, by the path: `/v1/decisions/{transaction_id}` is about decisions."""
        return self.path.removeprefix("/v1").split("/")[1].split(":")[0]


def known(name: str, example: Any) -> Content:
    """A document of `api.openapi.TYPES`."""
    return Content({"$ref": f"#/components/schemas/{name}"}, example)


def many(field: str, name: str, example: Any) -> Content:
    """An object with a list of such documents."""
    items = {"type": "array", "items": known(name, example).schema}
    return Content({"type": "object", "properties": {field: items}, "required": [field]}, {field: [example]})


def told(**example: Any) -> Content:
    """An object of just these fields."""
    kinds = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
    fields = {name: {"type": kinds[type(value)]} for name, value in example.items()}
    return Content({"type": "object", "properties": fields, "required": list(fields)}, example)


def listed(name: str, example: Any) -> Content:
    """A page of a list of documents of `api.openapi.TYPES`."""
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    fields = {"items": items, "next_cursor": {"type": ["string", "null"]}}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return Content(schema, {"items": [example], "next_cursor": None})
