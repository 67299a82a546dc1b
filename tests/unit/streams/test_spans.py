"""Spans of a request and of its record join, by REST and Kafka; a collector that is away changes nothing."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send

from api.metrics import ApiMetrics
from api.request_log import RequestLog
from models.errors import BadSetting
from streams.agents import SweepRunner
from streams.arrivals import Sweep
from streams.insistence import Insistence
from streams.metrics import Metrics
from streams.otel import OtelSpans, Sending, exported, spans_by
from streams.settings import Settings
from streams.spans import UNCOLLECTED, Spans, spans_of
from streams.tracing import MOST_PER_SWEEP, TRACE_HEADER
from streams.watchdog import Watchdog
from tests.builders import sweep_of, transaction

TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE_ID}-{CALLER}-01", f"00-{TRACE_ID}-{CALLER}-00"


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(kept: InMemorySpanExporter) -> Iterator[OtelSpans]:
    found = spans_by(SimpleSpanProcessor(kept), "test", "1")
    yield found
    found.close()


def requested(spans: Spans, trace: str, status: int = 200) -> str:
    """The trace context that the records of a request bear."""
    bears: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        bears.append(scope["state"]["traceparent"])
        scope["route"] = SimpleNamespace(path_format="/v1/decisions")
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def nothing(*_: Message) -> Any:
        return None

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/decisions",
        "headers": [(TRACE_HEADER.encode(), trace.encode())],
    }
    asyncio.run(RequestLog(app, ApiMetrics(CollectorRegistry()), spans=spans)(scope, nothing, nothing))
    return bears[0]


def handled(spans: Spans, *traces: str, handle: Callable[[Sweep], None] = lambda sweep: None) -> bool:
    sweep = sweep_of(*(transaction(f"tx-{number}") for number, _ in enumerate(traces)))
    headers = [[(TRACE_HEADER, trace.encode())] for trace in traces]
    insist = Insistence(
        metrics=Metrics(CollectorRegistry()),
        watchdog=Watchdog(30.0, lambda: None),
        stop=Event(),
        give_up_s=1.0,
        lane=0,
        what="sweep",
    )
    runner = SweepRunner({"transactions": handle}, insist=insist, spans=spans)
    return runner.run(replace(sweep, headers=headers))


def named(kept: InMemorySpanExporter, name: str) -> list[Any]:
    return [span for span in kept.get_finished_spans() if span.name == name]


def test_by_rest_callers_span_request_and_record_are_one_trace(
    spans: OtelSpans, kept: InMemorySpanExporter
) -> None:
    assert handled(spans, requested(spans, SAMPLED))
    (request,) = named(kept, "POST /v1/decisions")
    (record,) = named(kept, "process transactions")
    assert {f"{each.context.trace_id:032x}" for each in (request, record)} == {TRACE_ID}
    assert f"{request.parent.span_id:016x}" == CALLER
    assert record.parent.span_id == request.context.span_id


def test_by_kafka_the_record_stands_below_what_its_producer_did(
    spans: OtelSpans, kept: InMemorySpanExporter
) -> None:
    handled(spans, SAMPLED)
    (record,) = named(kept, "process transactions")
    assert f"{record.context.trace_id:032x}" == TRACE_ID
    assert f"{record.parent.span_id:016x}" == CALLER
    assert record.attributes["messaging.kafka.offset"] == 0


def test_a_sweep_and_its_records_are_linked_both_ways(spans: OtelSpans, kept: InMemorySpanExporter) -> None:
    handled(spans, SAMPLED, UNSAMPLED, SAMPLED)
    (sweep,) = named(kept, "sweep transactions")
    records = named(kept, "process transactions")
    assert len(records) == 2
    assert [f"{link.context.span_id:016x}" for link in sweep.links] == [CALLER, CALLER]
    assert {link.context.span_id for record in records for link in record.links} == {sweep.context.span_id}
    assert sweep.attributes["messaging.batch.message_count"] == 3


@pytest.mark.parametrize("trace", [UNSAMPLED, "nonsense"])
def test_what_nobody_marked_makes_no_span(spans: OtelSpans, kept: InMemorySpanExporter, trace: str) -> None:
    handled(spans, requested(spans, trace))
    assert kept.get_finished_spans() == ()


def test_an_answer_that_is_a_fault_of_ours_is_an_error_of_its_span(
    spans: OtelSpans, kept: InMemorySpanExporter
) -> None:
    requested(spans, SAMPLED, 503)
    (request,) = kept.get_finished_spans()
    assert not request.status.is_ok
    assert request.attributes["http.response.status_code"] == 503


def test_spans_name_no_transaction_and_no_customer(spans: OtelSpans, kept: InMemorySpanExporter) -> None:
    handled(spans, requested(spans, SAMPLED))
    told = [each for span in kept.get_finished_spans() for each in (span.name, *span.attributes.values())]
    assert not [each for each in told if "tx-0" in str(each)]


def test_a_flood_of_traced_records_makes_a_few_spans(spans: OtelSpans, kept: InMemorySpanExporter) -> None:
    handled(spans, *[SAMPLED] * 100)
    assert len(named(kept, "process transactions")) == MOST_PER_SWEEP


def test_without_spans_records_bear_the_callers_own_context() -> None:
    assert requested(UNCOLLECTED, SAMPLED) == SAMPLED


class Blocked:
    """A collector that does not answer until it is let."""

    def __init__(self) -> None:
        self.met, self.let = Event(), Event()

    def export(self, batch: Any) -> SpanExportResult:
        self.met.set()
        self.let.wait(10)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open."""


def test_a_full_queue_drops_and_counts_and_nobody_waits() -> None:
    metrics, blocked = Metrics(CollectorRegistry()), Blocked()
    sending = Sending(blocked, metrics.spans_dropped, most=4, gather_s=0.001)
    spans = spans_by(sending, "test", "1")
    try:
        handled(spans, SAMPLED)
        assert blocked.met.wait(10)
        for _ in range(10):
            assert handled(spans, SAMPLED)
    finally:
        blocked.let.set()
        spans.close()
    dropped = metrics.registry.get_sample_value("fraud_spans_dropped_total", {"reason": "queue_full"})
    # Ten sweeps of two spans; four found room, and up to one that the thread had not taken yet.
    assert dropped in (16, 17)


@contextmanager
def collector(status: int) -> Iterator[tuple[str, list[Any]]]:
    """One in this process: its address, and the spans that it was sent."""
    taken: list[Any] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent = ExportTraceServiceRequest.FromString(body)
            taken.extend(
                span for each in sent.resource_spans for scope in each.scope_spans for span in scope.spans
            )
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing worth a line."""

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.enable_socket
def test_a_collector_is_sent_what_was_done_before_the_process_ends() -> None:
    metrics = Metrics(CollectorRegistry())
    with collector(200) as (address, taken):
        spans = exported(address, "test", "1", metrics.spans_dropped)
        handled(spans, SAMPLED)
        spans.close()
    assert {span.name for span in taken} == {"process transactions", "sweep transactions"}
    assert {span.trace_id.hex() for span in taken if span.name.startswith("process")} == {TRACE_ID}


@pytest.mark.enable_socket
@pytest.mark.parametrize("status", [400, None])
def test_a_collector_that_refuses_or_is_away_is_counted_and_changes_nothing(status: int | None) -> None:
    counted, heard = Counter[str](), Event()

    def dropped(reason: str, count: int) -> None:
        counted[reason] += count
        heard.set()

    with collector(status or 200) as (address, _):
        spans = exported(address if status else "http://127.0.0.1:1/v1/traces", "test", "1", dropped)
        assert handled(spans, SAMPLED)
        spans.close()
        assert heard.wait(10)
    assert counted == {"export_failed": 2}


def test_off_collects_none_and_nothing_that_exports_is_loaded() -> None:
    off = spans_of(Settings.model_construct(otel_endpoint=""), "test", lambda reason, count: None)
    assert off is UNCOLLECTED
    program = (
        "import sys, streams.parts, api.request_log; "
        "sys.exit(bool({'streams.otel', 'opentelemetry.exporter'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_where_it_is_not_installed_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streams.otel", None)
    settings = Settings.model_construct(otel_endpoint="http://collector:4318/v1/traces")
    with pytest.raises(BadSetting, match="OpenTelemetry is not installed") as refused:
        spans_of(settings, "test", lambda reason, count: None)
    assert "fraudml[otel]" in str(refused.value.next_step)
