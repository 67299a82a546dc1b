"""The shortest way to a handler: no search over all routes, and nothing around it that it has no use for."""

from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send


class Direct:
    """ASGI middleware, the innermost. What is not among its routes goes the framework's own way.

    routes: by method and path, those whose handlers take the request alone. failures: what becomes of errors,
    by their types; of any other, outside of this.
    """

    def __init__(
        self, app: ASGIApp, routes: Mapping[tuple[str, str], APIRoute], failures: Mapping[Any, Any]
    ) -> None:
        self._app = app
        self._routes = routes
        self._failures = failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope.get("method", ""), scope.get("path", "")))
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except Exception as error:
            kind = next((each for each in type(error).__mro__ if each in self._failures), Exception)
            if kind is Exception:
                raise
            response = await self._failures[kind](request, error)
        await response(scope, receive, send)
