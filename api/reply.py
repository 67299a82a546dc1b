"""Answers that are what was asked for."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.route import JSON


def reply(
    request: Request, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON, with what the caller is told of its limit."""
    limit = getattr(request.state, "limit_headers", {})
    return Response(body, status, {**limit, **(headers or {})}, JSON)


def reply_with(
    request: Request, document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return reply(request, msgspec.json.encode(document), status, headers)
