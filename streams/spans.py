"""Spans of what a caller has marked for tracing, for whoever collects them. Off unless an address is set.

This module loads nothing of OpenTelemetry.
"""

from importlib.metadata import version
from typing import Protocol

from models.errors import BadSetting
from streams.arrivals import Sweep
from streams.settings import Settings
from streams.span_names import Dropped


class RequestSpan(Protocol):
    """traceparent: the request's own context, which its records bear on."""

    traceparent: str

    def end(self, method: str, route: str, status: int) -> None: ...


class Spans(Protocol):
    def now_ns(self) -> int:
        """The wall clock."""

    def request(self, parent: str) -> RequestSpan | None:
        """None where nobody collects it. parent: the trace context of the caller."""

    def swept(self, sweep: Sweep, began_ns: int) -> None:
        """A sweep is done, that was begun at a time: a span of its own, and one for each traced record."""

    def close(self) -> None:
        """What waits is sent, if it can be at once."""


class Uncollected:
    """Nobody collects spans."""

    def now_ns(self) -> int:
        return 0

    def request(self, parent: str) -> None:
        """There is none."""

    def swept(self, sweep: Sweep, began_ns: int) -> None:
        """There is none."""

    def close(self) -> None:
        """Nothing waits."""


UNCOLLECTED = Uncollected()


def spans_of(settings: Settings, service: str, dropped: Dropped) -> Spans:
    """Collected where an address is set.

    Raises:
        BadSetting: OpenTelemetry is not installed.
    """
    if not settings.otel_endpoint:
        return UNCOLLECTED
    try:
        from streams.otel import exported
    except ImportError as error:
        raise BadSetting(
            "FRAUDML_OTEL_ENDPOINT is set, and OpenTelemetry is not installed",
            why=str(error),
            next_step="install fraudml[otel], or unset it",
        ) from None
    return exported(settings.otel_endpoint, service, version("fraudml"), dropped)
