"""What takes the request alone is reached without a search, and fails as it would on the framework's way."""

import asyncio
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from api.direct import Direct
from models.errors import AnswerLost, FraudError


class Odd(Exception):
    """Nobody has named it."""


async def endpoint(request: Request) -> Response:
    match request.headers.get("x-fails"):
        case "named":
            raise AnswerLost()
        case "unnamed":
            raise Odd("a fault of ours")
    return Response("direct")


async def framework(scope: Any, receive: Any, send: Any) -> None:
    await Response("framework")(scope, receive, send)


async def tell(request: Request, error: Exception) -> Response:
    return Response(type(error).__name__, 503)


def asked(method: str, path: str, **headers: str) -> tuple[int, bytes, Any]:
    """The status, the body, and the route as it was noted."""
    route = APIRoute("/v1/score", endpoint, methods=["POST"])
    app = Direct(framework, {("POST", "/v1/score"): route}, {FraudError: tell, Exception: tell})
    sent: list[Any] = []
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"], scope.get("route")


def test_a_route_is_reached_and_noted() -> None:
    status, body, route = asked("POST", "/v1/score")
    assert (status, body, route.path_format) == (200, b"direct", "/v1/score")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/score"), ("POST", "/v1/score/"), ("POST", "/")])
def test_whatever_else_goes_the_frameworks_way(method: str, path: str) -> None:
    assert asked(method, path) == (200, b"framework", None)


def test_a_failure_that_has_a_name_is_answered_by_it() -> None:
    assert asked("POST", "/v1/score", x_fails="named")[:2] == (503, b"AnswerLost")


def test_a_fault_of_ours_is_left_to_whoever_stands_around() -> None:
    with pytest.raises(Odd):
        asked("POST", "/v1/score", x_fails="unnamed")
