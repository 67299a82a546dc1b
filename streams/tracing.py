"""W3C trace context on records: what a caller has marked for tracing shows in the worker's log.

Source: W3C Trace Context, level 1.
"""

import re
from collections.abc import Iterator
from itertools import islice

import structlog

from models.card_number import holds_card_number
from streams.arrivals import Sweep

log = structlog.get_logger(__name__)

TRACE_HEADER = "traceparent"
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
SAMPLED = 1
# Whoever marks everything must not slow the worker down.
MOST_PER_SWEEP = 20


def is_trace(text: str) -> bool:
    """Whether this is a trace context, and may be written down."""
    return TRACE.fullmatch(text) is not None and not holds_card_number(text)


def is_sampled(trace: str) -> bool:
    """Whether its caller wants to see it in logs."""
    return bool(int(trace[-2:], 16) & SAMPLED)


def log_traces(sweep: Sweep) -> None:
    """A line for each record of a sweep that is done and whose trace is sampled, up to twenty."""
    for row, trace in first_traces(sweep):
        partition, offset = int(sweep.partition[row]), int(sweep.offset[row])
        log.info("record_done", trace=trace, topic=sweep.topic, partition=partition, offset=offset)


def first_traces(sweep: Sweep) -> Iterator[tuple[int, str]]:
    """Row and trace context of the sampled records of a sweep, up to twenty."""
    return islice(_traced(sweep), MOST_PER_SWEEP)


def _traced(sweep: Sweep) -> Iterator[tuple[int, str]]:
    for row, headers in enumerate(sweep.headers):
        for name, value in headers or ():
            trace = (value or b"").decode("latin-1") if name == TRACE_HEADER else ""
            if trace and is_trace(trace) and is_sampled(trace):
                yield row, trace
