"""Paths by their segments: a stroke that the caller has quoted is part of an id, and ends none.

The server hands over paths in which `%2F` is `/` already, so routes go by the path as it was sent.
"""

from urllib.parse import unquote

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

PARAMETER = "segment"
STROKE, PERCENT = "%2F", "%25"


class Segments:
    """ASGI middleware, the outermost: only strokes within segments, and `%`, stay quoted in the path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # Not in a copy: what is outside of this looks for its state in the same scope.
            scope["path"] = path_by_segments(scope["raw_path"])
        await self._app(scope, receive, send)


class Segment(StringConvertor):
    """A parameter that is one segment, as the caller meant it."""

    def convert(self, value: str) -> str:
        return unquote(value)


register_url_convertor(PARAMETER, Segment())


def path_by_segments(raw_path: bytes) -> str:
    """raw_path: as it was sent, without a query."""
    sent = raw_path.decode("ascii").split("/")
    return "/".join(unquote(each).replace("%", PERCENT).replace("/", STROKE) for each in sent)


def with_segments(path: str) -> str:
    """The path of a route, its parameters one segment each."""
    return path.replace("}", f":{PARAMETER}}}")
