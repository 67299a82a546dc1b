"""The routes under /v1. What they do lives in the code they call."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from api import batches, bodies
from api.deadline import TOTAL_S, Deadline
from api.parts import Gateway
from api.problems import Problem
from models.label import check_label
from models.transaction import LONGEST_ID, Transaction
from streams.answered import answer_document
from streams.codecs import encode

JSON = "application/json"


class Routes:
    """now_ms: the wall clock, to tell event times that lie ahead."""

    def __init__(self, gateway: Gateway, now_ms: Callable[[], int]) -> None:
        self._gateway = gateway
        self._now_ms = now_ms

    async def score(self, request: Request) -> Response:
        """Decide one transaction, now."""
        deadline = Deadline(TOTAL_S, time.monotonic)
        await self._gateway.access.admit(request, "score:write")
        told = await self._gateway.score(await self._transaction_in(request), deadline)
        self._gateway.metrics.decided(told.decided, TOTAL_S - deadline.remaining_s())
        document = answer_document(told.decided)
        if told.durable == "log":
            return answer(request, document, 202, {"Fraud-Durable": "log"})
        return answer(request, document)

    async def produce(self, request: Request) -> Response:
        """Hand one transaction to the stream: it will be decided."""
        await self._gateway.access.admit(request, "score:write")
        transaction = await self._transaction_in(request)
        await self._send(transaction)
        where = f"/v1/decisions/{transaction.transaction_id}"
        told = {"transaction_id": transaction.transaction_id}
        return json_answer(request, told, 202, {"Location": quote(where)})

    async def produce_batch(self, request: Request) -> Response:
        """Hand many transactions to the stream; each has its own outcome."""
        await self._gateway.access.admit(request, "score:write")
        body = await _body(request, bodies.LARGEST_BATCH_BYTES, (JSON, batches.NDJSON))
        items = batches.items_of(body, _media_type(request))
        return json_answer(request, {"results": await batches.taken(items, self._check, self._send)})

    async def decision(self, request: Request, transaction_id: str) -> Response:
        """The decision on a transaction."""
        await self._gateway.access.admit(request, "decisions:read")
        possible = len(transaction_id) <= LONGEST_ID and transaction_id.isprintable()
        found = await self._gateway.decision(transaction_id) if possible else None
        if found is None:
            raise Problem("not_found", "this transaction is not decided, or not yet")
        return answer(request, answer_document(found))

    async def label(self, request: Request) -> Response:
        """Say what became of a transaction."""
        await self._gateway.access.admit(request, "labels:write")
        found = bodies.decode(await _body(request), bodies.SentLabel)
        check_label(found)
        bodies.check_time(found.event_time, self._now_ms(), self._gateway.ahead_ms)
        await self._gateway.produce(self._gateway.labels_topic, found.customer_id, encode(found))
        return json_answer(request, {"label_id": found.label_id}, 202)

    async def _transaction_in(self, request: Request) -> bodies.AskedTransaction:
        found = bodies.decode(await _body(request), bodies.AskedTransaction)
        self._check(found)
        return found

    def _check(self, transaction: Transaction) -> None:
        bodies.check(transaction, self._gateway.currency, self._now_ms(), self._gateway.ahead_ms)

    async def _send(self, transaction: Transaction) -> None:
        topic = self._gateway.transactions_topic
        await self._gateway.produce(topic, transaction.customer_id, encode(transaction))


def add_routes(app: FastAPI, gateway: Gateway, now_ms: Callable[[], int]) -> None:
    routes = Routes(gateway, now_ms)
    app.post("/v1/score", tags=["decisions"])(routes.score)
    app.post("/v1/transactions", status_code=202, tags=["decisions"])(routes.produce)
    app.post("/v1/transactions:batch", tags=["decisions"])(routes.produce_batch)
    app.get("/v1/decisions/{transaction_id}", tags=["decisions"])(routes.decision)
    app.post("/v1/labels", status_code=202, tags=["labels"])(routes.label)


def answer(
    request: Request, body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """JSON, with what the caller is told of its limit."""
    limit = getattr(request.state, "limit_headers", {})
    return Response(body, status, {**limit, **(headers or {})}, JSON)


def json_answer(
    request: Request, document: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return answer(request, msgspec.json.encode(document), status, headers)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", JSON).split(";")[0].strip().lower()


async def _body(
    request: Request, largest: int = bodies.LARGEST_BYTES, wanted: tuple[str, ...] = (JSON,)
) -> bytes:
    if _media_type(request) not in wanted:
        raise Problem("unsupported_media_type", f"{' or '.join(wanted)} is wanted")
    return await bodies.read(request.stream(), request.headers.get("content-length"), largest)
