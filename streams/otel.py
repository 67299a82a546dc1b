"""Spans by OpenTelemetry: sent by a thread of their own to a collector, by OTLP over HTTP.

What decides never waits for it: the queue is bounded, and what does not fit, or is not taken, is counted.
"""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Semaphore, Thread
from typing import Any

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
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
from streams.span_names import EXPORT_FAILED, QUEUE_FULL, Dropped
from streams.tracing import first_traces, is_sampled

log = structlog.get_logger(__name__)

MOST_WAITING, MOST_AT_ONCE = 2048, 256
EXPORT_S, GATHER_S, CLOSE_S = 3.0, 0.5, 2.0


class Counted(SpanExporter):  # type: ignore[misc]
    """Another exporter, whose failures are told. room: what it is handed has left the queue."""

    def __init__(self, exporter: SpanExporter, room: Semaphore, dropped: Dropped) -> None:
        self._exporter = exporter
        self._room = room
        self._dropped = dropped
        self._fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._room.release(len(spans))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._note(result is not SpanExportResult.SUCCESS, len(spans))
        return result

    def _note(self, fails: bool, count: int) -> None:
        if fails:
            self._dropped(EXPORT_FAILED, count)
        if fails != self._fails:
            log.warning("spans_not_taken" if fails else "spans_taken_again", spans=count)
        self._fails = fails

    def shutdown(self) -> None:
        self._exporter.shutdown()


class Sending(BatchSpanProcessor):  # type: ignore[misc]
    """The library's, which would tell nobody what its queue has no room for. gather_s: for how long spans
    are gathered first."""

    def __init__(
        self, exporter: SpanExporter, dropped: Dropped, most: int = MOST_WAITING, gather_s: float = GATHER_S
    ) -> None:
        self._dropped = dropped
        self._room = Semaphore(most)
        counted = Counted(exporter, self._room, dropped)
        super().__init__(counted, most, gather_s * 1000, min(most, MOST_AT_ONCE))

    def on_end(self, span: ReadableSpan) -> None:
        if self._room.acquire(blocking=False):
            super().on_end(span)
        else:
            self._dropped(QUEUE_FULL, 1)


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

    def request(self, parent: str) -> OtelRequest | None:
        if not is_sampled(parent):
            return None
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
        # The library would wait half a minute for a collector that does not answer.
        closing = Thread(target=self._provider.shutdown, name="spans", daemon=True)
        closing.start()
        closing.join(CLOSE_S)

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
