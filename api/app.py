"""The gateway's routes. What they do lives in the code they call."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from api import batches, bodies
from api.answering import Answer
from api.deadline import TOTAL_S, Deadline
from api.openapi import openapi_of
from api.parts import Gateway
from api.problems import KINDS, PAGES, Problem, page_of, problem_of, response_of
from api.request_log import RequestLog
from api.shedding import Admission, Shedding
from models.errors import FraudError
from models.transaction import Transaction
from streams.answered import answer_document
from streams.codecs import encode

JSON = "application/json"
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
    _decisions(app, gateway, now_ms)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]
    return app


def _decisions(app: FastAPI, gateway: Gateway, now_ms: Callable[[], int]) -> None:
    def check(transaction: Transaction) -> None:
        bodies.check(transaction, gateway.currency, now_ms(), gateway.ahead_ms)

    async def transaction_in(request: Request) -> bodies.AskedTransaction:
        found = bodies.decode(await _body(request), bodies.AskedTransaction)
        check(found)
        return found

    async def send(transaction: Transaction) -> None:
        await gateway.produce(gateway.transactions_topic, transaction.customer_id, encode(transaction))

    @app.post("/v1/score", tags=["decisions"])
    async def score(request: Request) -> Response:
        """Decide one transaction, now."""
        began = time.perf_counter()
        await gateway.access.admit(request, "score:write")
        deadline = Deadline(TOTAL_S, time.monotonic)
        transaction = await transaction_in(request)
        told = await gateway.score(transaction, deadline)
        gateway.metrics.decided(told.decided, time.perf_counter() - began)
        return _told(request, told)

    @app.post("/v1/transactions", status_code=202, tags=["decisions"])
    async def produce(request: Request) -> Response:
        """Hand one transaction to the stream: it will be decided."""
        await gateway.access.admit(request, "score:write")
        transaction = await transaction_in(request)
        await send(transaction)
        where = f"/v1/decisions/{transaction.transaction_id}"
        return _json(request, {"transaction_id": transaction.transaction_id}, 202, {"Location": where})

    @app.post("/v1/transactions:batch", tags=["decisions"])
    async def produce_batch(request: Request) -> Response:
        """Hand many transactions to the stream; each has its own outcome."""
        await gateway.access.admit(request, "score:write")
        body = await _body(request, bodies.LARGEST_BATCH_BYTES, (JSON, batches.NDJSON))
        items = batches.items_of(body, _media_type(request))
        return _json(request, {"results": await batches.taken(items, check, send)}, 200)

    @app.get("/v1/decisions/{transaction_id}", tags=["decisions"])
    async def decision(request: Request, transaction_id: str) -> Response:
        """The decision on a transaction."""
        await gateway.access.admit(request, "decisions:read")
        found = await gateway.decision(transaction_id)
        if found is None:
            raise Problem("not_found", "this transaction is not decided, or not yet")
        return _answer(request, answer_document(found), 200)

    @app.post("/v1/labels", status_code=202, tags=["labels"])
    async def label(request: Request) -> Response:
        """Say what became of a transaction."""
        await gateway.access.admit(request, "labels:write")
        found = bodies.decode(await _body(request), bodies.SentLabel)
        await gateway.produce(gateway.labels_topic, found.customer_id, encode(found))
        return _json(request, {"label_id": found.label_id}, 202)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", JSON).split(";")[0].strip().lower()


async def _body(
    request: Request, largest: int = bodies.LARGEST_BYTES, wanted: tuple[str, ...] = (JSON,)
) -> bytes:
    if _media_type(request) not in wanted:
        raise Problem("unsupported_media_type", f"{' or '.join(wanted)} is wanted")
    return await bodies.read(request.stream(), request.headers.get("content-length"), largest)


def _told(request: Request, told: Answer) -> Response:
    if told.durable == "ledger":
        return _answer(request, answer_document(told.decided), 200)
    return _answer(request, answer_document(told.decided), 202, {"Fraud-Durable": "log"})


def _json(request: Request, document: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    return _answer(request, msgspec.json.encode(document), status, headers)


def _answer(request: Request, body: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, {**getattr(request.state, "limit_headers", {}), **(headers or {})}, JSON)


def _probes(app: FastAPI, gateway: Gateway, version: str) -> None:
    @app.get("/healthz", tags=["probes"])
    async def health(request: Request) -> Response:
        """Whether the process answers."""
        return _json(request, {"status": "ok"}, 200)

    @app.get("/readyz", tags=["probes"])
    async def ready(request: Request) -> Response:
        """Whether it has what it needs to decide."""
        is_ready = gateway.is_ready()
        return _json(request, {"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)

    @app.get("/version", tags=["probes"])
    async def which(request: Request) -> Response:
        """Which version answers."""
        return _json(request, {"version": version}, 200)

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
        return tell(request, Problem("internal"))
