"""What happens before a route's own code: its time begins, its caller is asked who it is and what it may."""

import time
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.params import Header
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.access import Access
from api.deadline import TOTAL_S, Deadline
from api.problems import FieldError, Problem
from api.route import Handler, Route
from api.segments import with_segments


def add_route(app: FastAPI, route: Route, access: Callable[[], Access]) -> APIRoute:
    """The route as the framework has it. access: who may ask, once the gateway is open."""
    app.router.add_api_route(
        with_segments(route.path),
        _admitted(route, access),
        methods=[route.method],
        status_code=min(route.answers),
        tags=[route.tag],
    )
    added = app.router.routes[-1]
    assert isinstance(added, APIRoute)
    return added


def _admitted(route: Route, access: Callable[[], Access]) -> Handler:
    parameters = set(_query_names(route.handler))

    @wraps(route.handler)
    async def answer(request: Request, **given: Any) -> Response:
        request.state.deadline = Deadline(TOTAL_S, time.monotonic)
        if route.scope is not None:
            request.state.key = await access().admit(request, route.scope)
        for name in request.query_params if request.scope["query_string"] else ():
            if name not in parameters:
                raise Problem("unknown_parameter", errors=[FieldError(f"?{name}", "is not known here")])
        return await route.handler(request, **given)

    return answer


def _query_names(handler: Handler) -> Iterator[str]:
    """What may follow the `?`: parameters by their names, and the fields of a model by theirs."""
    for name, parameter in signature(handler).parameters.items():
        kind, *notes = get_args(parameter.annotation) or [parameter.annotation]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (field.alias or name for name, field in kind.model_fields.items())
        elif not any(isinstance(each, Header) for each in notes):
            yield name
