"""Transactions: decided now, or handed to the stream to be decided; and decisions, looked up."""

from collections.abc import Callable
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import batches, bodies
from api.examples import DECISION, TRANSACTION
from api.parts import Gateway
from api.problems import Problem
from api.reply import reply, reply_with
from api.route import JSON, NDJSON, Content, Route, known, told
from models.path_segment import as_segment
from models.transaction import Transaction, is_identifier
from streams.answered import answer_document
from streams.codecs import encode

RESULTS = told(results=[{"index": 0, "status": 202, "transaction_id": "tx-1"}])
# Each item is a Transaction; one that is not has its own outcome, so the schema lets it pass.
BATCH = Content(
    {
        "type": "array",
        "minItems": 1,
        "maxItems": bodies.MOST_ITEMS,
        "items": {"description": "a Transaction; what is none has an outcome that says so"},
    },
    [TRANSACTION],
)
LINES = Content(
    {"description": "a Transaction on each line"}, msgspec.json.encode(TRANSACTION).decode() + "\n", NDJSON
)
ASKED, ANSWERED = known("Transaction", TRANSACTION), known("Decision", DECISION)
OF_BATCHES = ("empty", "not_json", "too_many_items", "too_large", "unsupported_media_type")
OF_TRANSACTIONS = (
    *bodies.PROBLEMS,
    "currency",
    "attributes",
    "event_time_ahead",
    "event_time_before_1970",
)
ARCHIVED = "Fraud-Archived"
OF_SCORES = (*OF_TRANSACTIONS, "in_flight", "other_body", "answer_lost")


class Decisions:
    """now_ms: the wall clock, to tell event times that lie ahead."""

    def __init__(self, gateway: Gateway, now_ms: Callable[[], int]) -> None:
        self._gateway = gateway
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        return [
            Route(
                "POST",
                "/v1/score",
                self.score,
                {200: ANSWERED, 202: ANSWERED},
                "score:write",
                [ASKED],
                OF_SCORES,
            ),
            Route(
                "POST",
                "/v1/transactions",
                self.produce,
                {202: told(transaction_id="tx-1")},
                "score:write",
                [ASKED],
                OF_TRANSACTIONS,
            ),
            Route(
                "POST",
                "/v1/transactions:batch",
                self.produce_batch,
                {200: RESULTS},
                "score:write",
                [BATCH, LINES],
                OF_BATCHES,
            ),
            Route(
                "GET",
                "/v1/decisions/{transaction_id}",
                self.decision,
                {200: ANSWERED},
                "decisions:read",
                problems=["not_found"],
                headers={ARCHIVED: "2026-01: the month whose file has the rest, which has left the ledger"},
            ),
        ]

    async def score(self, request: Request) -> Response:
        """Decide one transaction, now."""
        deadline, trace = request.state.deadline, request.state.traceparent
        transaction = await self._transaction_in(request, deadline.remaining_s())
        answer = await self._gateway.score(transaction, deadline, trace)
        self._gateway.metrics.decided(answer.decided, deadline.used_s())
        document = answer_document(answer.decided)
        if answer.durable == "log":
            return reply(request, document, 202, {"Fraud-Durable": "log"})
        return reply(request, document)

    async def produce(self, request: Request) -> Response:
        """Hand one transaction to the stream: it will be decided."""
        transaction = await self._transaction_in(request)
        await self._send(transaction, request.state.traceparent)
        where = f"/v1/decisions/{as_segment(transaction.transaction_id)}"
        document = {"transaction_id": transaction.transaction_id}
        return reply_with(request, document, 202, {"Location": where})

    async def produce_batch(self, request: Request) -> Response:
        """Hand many transactions to the stream; each has its own outcome."""
        body = await bodies.body_in(request, bodies.LARGEST_BATCH_BYTES, (JSON, NDJSON))
        items = batches.items_of(body, bodies.media_type_of(request))
        send = partial(self._send, trace=request.state.traceparent)
        return reply_with(request, {"results": await batches.taken(items, self._check, send)})

    async def decision(self, request: Request, transaction_id: str) -> Response:
        """The decision on a transaction."""
        if is_identifier(transaction_id):
            if found := await self._gateway.decision(transaction_id):
                return reply(request, answer_document(found))
            if left := await self._gateway.archived(transaction_id):
                return reply_with(request, left.decision, headers={ARCHIVED: f"{left.month:%Y-%m}"})
        raise Problem("not_found", "this transaction is not decided, or not yet")

    async def _transaction_in(
        self, request: Request, within_s: float = bodies.BODY_S
    ) -> bodies.AskedTransaction:
        body = await bodies.body_in(request, within_s=within_s)
        found = bodies.decode(body, bodies.AskedTransaction)
        self._check(found)
        return found

    def _check(self, transaction: Transaction) -> None:
        bodies.check(transaction, self._gateway.currency, self._now_ms(), self._gateway.ahead_ms)

    async def _send(self, transaction: Transaction, trace: str) -> None:
        topic = self._gateway.transactions_topic
        await self._gateway.produce(topic, transaction.customer_id, encode(transaction), trace)
