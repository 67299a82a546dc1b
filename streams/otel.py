"""Spans by OpenTelemetry: sent by a thread of their own to a collector, by OTLP over HTTP.

What decides never waits for it: the queue is bounded, and what does not fit, or is not taken, is counted.
"""

import logging
import time
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from streams import span_names as names
from streams.arrivals import Sweep
from streams.spans import EXPORT_FAILED, QUEUE_FULL, Dropped
from streams.tracing import first_traces

log = structlog.get_logger(__name__)

MOST_WAITING, MOST_AT_ONCE = 2048, 256
EXPORT_S, GATHER_S, CLOSE_S = 3.0, 0.5, 2.0


class Sending(SpanProcessor):  # type: ignore[misc]
    """A bounded queue, and the thread that empties it. gather_s: for how long spans are gathered first."""

    def __init__(
        self, exporter: SpanExporter, dropped: Dropped, most: int = MOST_WAITING, gather_s: float = GATHER_S
    ) -> None:
        self._exporter = exporter
        self._dropped = dropped
        self._gather_s = gather_s
        self._waiting: Queue[ReadableSpan] = Queue(most)
        self._stop = Event()
        self._fails = False
        self._thread = Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def on_end(self, span: ReadableSpan) -> None:
        try:
            self._waiting.put_nowait(span)
        except Full:
            self._dropped(QUEUE_FULL, 1)

    def shutdown(self) -> None:
        """Whoever does not take them in time is not waited for."""
        self._stop.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._stop.wait(self._gather_s):
            self._empty()
        self._empty()
        self._exporter.shutdown()

    def _empty(self) -> None:
        while batch := self._next():
            self._send(batch)

    def _next(self) -> list[ReadableSpan]:
        batch: list[ReadableSpan] = []
        try:
            while len(batch) < MOST_AT_ONCE:
                batch.append(self._waiting.get_nowait())
        except Empty:
            pass
        return batch

    def _send(self, batch: list[ReadableSpan]) -> None:
        try:
            taken = self._exporter.export(batch) is SpanExportResult.SUCCESS
        # Whatever becomes of spans must not end the thread that sends the next ones.
        except Exception as error:
            log.debug("spans_not_sent", why=str(error))
            taken = False
        if not taken:
            self._dropped(EXPORT_FAILED, len(batch))
        if taken == self._fails:
            log.warning("spans_not_taken" if not taken else "spans_taken_again", spans=len(batch))
        self._fails = not taken


class OtelRequest:
    def __init__(self, span: Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-01"

    def end(self, method: str, route: str, status: int) -> None:
        self._span.update_name(names.request_span(method, route))
        self._span.set_attributes(
            {names.HTTP_METHOD: method, names.HTTP_ROUTE: route, names.HTTP_STATUS: status}
        )
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class OtelSpans:
    """now_ns: the wall clock."""

    def __init__(self, provider: TracerProvider, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("fraudml")
        self.now_ns = now_ns

    def request(self, parent: str) -> OtelRequest:
        context = set_span_in_context(NonRecordingSpan(_context(parent)))
        return OtelRequest(self._tracer.start_span("request", context, kind=SpanKind.SERVER))

    def swept(self, sweep: Sweep, began_ns: int) -> None:
        traces = list(first_traces(sweep))
        if not traces:
            return
        end_ns = self.now_ns()
        links = [Link(_context(trace)) for _, trace in traces]
        kafka = {
            names.MESSAGING_SYSTEM: names.KAFKA,
            names.MESSAGING_OPERATION: names.PROCESS,
            names.TOPIC: sweep.topic,
        }
        whole = self._span(
            names.sweep_span(sweep.topic), Context(), links, kafka | {names.RECORDS: len(sweep)}, began_ns
        )
        for row, trace in traces:
            place = {names.PARTITION: str(int(sweep.partition[row])), names.OFFSET: int(sweep.offset[row])}
            parent = set_span_in_context(NonRecordingSpan(_context(trace)))
            of_sweep = [Link(whole.get_span_context())]
            self._span(names.record_span(sweep.topic), parent, of_sweep, kafka | place, began_ns).end(end_ns)
        whole.end(end_ns)

    def close(self) -> None:
        self._provider.shutdown()

    def _span(
        self, name: str, parent: Context, links: list[Link], attributes: dict[str, Any], began_ns: int
    ) -> Span:
        return self._tracer.start_span(
            name, parent, kind=SpanKind.CONSUMER, links=links, attributes=attributes, start_time=began_ns
        )


def _context(traceparent: str) -> SpanContext:
    _, trace_id, span_id, _ = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(TraceFlags.SAMPLED))


def spans_by(processor: SpanProcessor, service: str, version: str) -> OtelSpans:
    resource = Resource({names.SERVICE_NAME: service, names.SERVICE_VERSION: version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return OtelSpans(provider)


def exported(endpoint: str, service: str, version: str, dropped: Dropped) -> OtelSpans:
    """endpoint: of a collector, with its path, as http://collector:4318/v1/traces."""
    # What it could not send is counted, and told once: its own lines would come with each batch.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_S)
    return spans_by(Sending(exporter, dropped), service, version)
