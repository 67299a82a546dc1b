"""The gateway's application: its routes, its probes, and what becomes of what fails."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from api.admission import add_route
from api.direct import Direct
from api.openapi import openapi_of
from api.parts import Gateway
from api.problems import FieldError, Problem, problem_of, response_of
from api.request_log import REQUEST_ID, RequestLog, structured
from api.routes import all_routes
from api.segments import Segments
from api.shedding import Admission, Shedding
from models.errors import FraudError

log = structlog.get_logger(__name__)

CLIENT_GONE = 499  # heard by nobody; in logs and counts
# The framework's own would be looked for at each request; ours is `RequestLog`'s.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
MOST_IN_PROGRESS = 512  # of one process


def build_app(
    gateway: Gateway,
    *,
    now_ms: Callable[[], int],
    version: str,
    write: Callable[..., None] = structured,
) -> FastAPI:
    """now_ms: the wall clock, to tell event times that lie ahead. write: as for `RequestLog`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gateway.open()
        try:
            yield
        finally:
            await gateway.close()

    app = FastAPI(
        title="Fraud gateway",
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    direct: dict[tuple[str, str], APIRoute] = {}
    app.add_middleware(Direct, routes=direct, failures=app.exception_handlers)
    app.add_middleware(Shedding, admission=Admission(MOST_IN_PROGRESS))
    app.add_middleware(RequestLog, metrics=gateway.metrics, spans=gateway.spans, write=write)
    app.add_middleware(Segments)
    _answer_problems(app)
    app.add_exception_handler(ClientDisconnect, _gone)
    routes = all_routes(gateway, now_ms, version)
    for route in routes:
        added = add_route(app, route, lambda: gateway.access)
        if route.takes_request_alone:
            direct[route.method, route.path] = added
    app.openapi = lambda: openapi_of(app, routes)  # type: ignore[method-assign]
    return app


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


def _methods_here(request: Request) -> str:
    """By all routes of the path; the framework names those of the first one."""
    here = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in here for method in route.methods}))


def _answer_problems(app: FastAPI) -> None:
    def tell(request: Request, problem: Problem) -> Response:
        for name, value in getattr(request.state, "limit_headers", {}).items():
            problem.headers.setdefault(name, value)
        return response_of(problem, request.state.request_id)

    @app.exception_handler(Problem)
    async def ours(request: Request, problem: Problem) -> Response:
        return tell(request, problem)

    @app.exception_handler(FraudError)
    async def named(request: Request, error: FraudError) -> Response:
        problem = problem_of(error)
        if problem.code == "internal":
            log.error("fault", request_id=request.state.request_id, why=str(error))
        return tell(request, problem)

    @app.exception_handler(RequestValidationError)
    async def parameters(request: Request, error: RequestValidationError) -> Response:
        wrong = [FieldError(f"?{each['loc'][-1]}", str(each["msg"])) for each in error.errors()]
        return tell(request, Problem("invalid_value", wrong[0].message, errors=wrong))

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            return tell(request, Problem("method_not_allowed", headers={"Allow": _methods_here(request)}))
        code = "not_found" if error.status_code == 404 else "internal"
        return tell(request, Problem(code, headers=error.headers))

    @app.exception_handler(Exception)
    async def unnamed(request: Request, error: Exception) -> Response:
        log.error("fault", request_id=request.state.request_id, exc_info=error)
        # This answer does not pass the middleware that names the others.
        return tell(request, Problem("internal", headers={REQUEST_ID: request.state.request_id}))
