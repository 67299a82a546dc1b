"""The gateway's application: its routes, its probes, and what becomes of what fails."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from api.openapi import openapi_of
from api.parts import Gateway
from api.problems import KINDS, PAGES, Problem, page_of, problem_of, response_of
from api.request_log import RequestLog
from api.routes import add_routes, json_answer
from api.shedding import Admission, Shedding
from models.errors import FraudError

log = structlog.get_logger(__name__)

MOST_IN_PROGRESS = 512  # of one process


def build_app(gateway: Gateway, *, now_ms: Callable[[], int], version: str) -> FastAPI:
    """now_ms: the wall clock, to tell event times that lie ahead."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gateway.open()
        try:
            yield
        finally:
            await gateway.close()

    app = FastAPI(title="Fraud gateway", version=version, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(Shedding, admission=Admission(MOST_IN_PROGRESS))
    app.add_middleware(RequestLog, metrics=gateway.metrics)
    _answer_problems(app)
    _probes(app, gateway, version)
    add_routes(app, gateway, now_ms)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]
    return app


def _probes(app: FastAPI, gateway: Gateway, version: str) -> None:
    @app.get("/healthz", tags=["probes"])
    async def health(request: Request) -> Response:
        """Whether the process answers."""
        return json_answer(request, {"status": "ok"})

    @app.get("/readyz", tags=["probes"])
    async def ready(request: Request) -> Response:
        """Whether it has what it needs to decide."""
        is_ready = gateway.is_ready()
        status = "ready" if is_ready else "not ready"
        return json_answer(request, {"status": status}, 200 if is_ready else 503)

    @app.get("/version", tags=["probes"])
    async def which(request: Request) -> Response:
        """Which version answers."""
        return json_answer(request, {"version": version})

    @app.get(PAGES + "{code}", tags=["problems"])
    async def problem(code: str) -> Response:
        """What a type of problem means."""
        if code not in KINDS:
            raise Problem("not_found")
        return PlainTextResponse(page_of(code))

    if gateway.metrics_here:

        @app.get("/metrics", tags=["probes"])
        async def metrics() -> Response:
            """For Prometheus."""
            return PlainTextResponse(gateway.metrics.page())


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
        return tell(request, problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def parameters(request: Request, error: RequestValidationError) -> Response:
        return tell(request, Problem("invalid_value", str(error.errors()[0]["msg"])))

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "internal")
        return tell(request, Problem(code, headers=error.headers))

    @app.exception_handler(Exception)
    async def unnamed(request: Request, error: Exception) -> Response:
        log.error("fault", request_id=request.state.request_id, exc_info=error)
        return tell(request, Problem("internal"))
