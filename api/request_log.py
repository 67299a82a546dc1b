"""Around every request: an id, its trace, how long it took; a line in the log, never a body or a key."""

import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import ApiMetrics
from api.random_digits import RandomDigits
from api.request_lines import NAME
from models.card_number import holds_card_number
from streams.spans import UNCOLLECTED, Spans
from streams.tracing import TRACE_HEADER, is_trace

log = structlog.get_logger(NAME)

REQUEST_ID = "x-request-id"
SENT_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SENT, TRACE_SENT = REQUEST_ID.encode(), TRACE_HEADER.encode()
QUIET = ("/healthz", "/readyz", "/metrics")


def structured(**fields: Any) -> None:
    """A request's line, as every logger writes."""
    log.info("request", **fields)


class RequestLog:
    """ASGI middleware, around all that may answer. clock: seconds. spans: of requests whose callers have
    marked them. write: takes a request's line by its fields; by default as every logger does.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: ApiMetrics,
        clock: Callable[[], float] = time.perf_counter,
        spans: Spans = UNCOLLECTED,
        write: Callable[..., None] = structured,
    ) -> None:
        self._write = write
        self._digits = RandomDigits()
        self._spans = spans
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = _request_id(headers, self._digits)
        state["traceparent"] = trace = _trace(headers, self._digits)
        span = self._spans.request(trace)
        if span is not None:
            # Records bear it on: what workers do with them stands below this request.
            state["traceparent"] = span.traceparent
        began, status = self._clock(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (SENT, request_id.encode())]
            await send(message)

        try:
            with self._metrics.in_progress():
                await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path_format", "unknown")
            self._metrics.answered(route, status)
            if span is not None:
                span.end(scope["method"], route, status)
            if scope["path"] not in QUIET:
                self._write(
                    request_id=request_id,
                    trace=trace,
                    method=scope["method"],
                    route=route,
                    status=status,
                    key=state.get("key_id"),
                    took_ms=round((self._clock() - began) * 1000, 2),
                )


def _request_id(headers: dict[bytes, bytes], digits: RandomDigits) -> str:
    """The caller's, where it is one, and none that may not be written down."""
    sent = headers.get(SENT, b"").decode("latin-1")
    usable = SENT_ID.fullmatch(sent) and not holds_card_number(sent)
    return sent if usable else digits.take(16)


def _trace(headers: dict[bytes, bytes], digits: RandomDigits) -> str:
    """The caller's W3C trace context, or a new one that asks nobody to write it down."""
    sent = headers.get(TRACE_SENT, b"").decode("latin-1")
    return sent if is_trace(sent) else f"00-{digits.take(32)}-{digits.take(16)}-00"
