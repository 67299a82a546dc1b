"""A record that its sender marked for tracing leaves a line; one that was not, or lies, leaves none."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from streams.tracing import MOST_PER_SWEEP, TRACE_HEADER, is_trace, log_traces
from tests.builders import sweep_of, transaction

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"


def logged(*traces: str) -> list[tuple[str, int]]:
    """Traces and offsets that are in the log after a sweep of records with these headers."""
    sweep = sweep_of(*(transaction(f"tx-{number}") for number, _ in enumerate(traces)))
    headers = [[(TRACE_HEADER, trace.encode())] for trace in traces]
    with capture_logs() as lines:
        log_traces(replace(sweep, headers=headers))
    return [(line["trace"], line["offset"]) for line in lines]


def test_a_sampled_trace_shows_where_its_record_was() -> None:
    assert logged(TRACE + "00", TRACE + "01", "nonsense", "") == [(TRACE + "01", 1)]


def test_a_sweep_without_headers_leaves_no_line() -> None:
    with capture_logs() as lines:
        log_traces(sweep_of(transaction("a")))
    assert lines == []


def test_a_flood_of_traces_leaves_a_few_lines() -> None:
    assert len(logged(*[TRACE + "01"] * 100)) == MOST_PER_SWEEP


@pytest.mark.parametrize(
    "text", ["", TRACE, TRACE + "0g", "01" + TRACE[2:] + "01", TRACE[:36] + "4111111111111111-01"]
)
def test_what_is_no_trace_or_holds_a_card_number_is_not_taken(text: str) -> None:
    assert not is_trace(text)
