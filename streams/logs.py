"""Logs: JSON lines where machines read them, plain lines on a terminal. Never a body, never a secret."""

import logging
import sys

import structlog

REPEAT_S = 30.0


class Repeated(logging.Filter):
    """Lets a message through once in 30 s: Kafka's client tells of a lost broker many times a second.

    Messages are the same that have the same words before the first colon followed by a space.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        words = record.getMessage().partition(": ")[0]
        again = record.created - self._last.get(words, -REPEAT_S) < REPEAT_S
        if not again:
            self._last[words] = record.created
        return not again


def set_up_logs(level: str, *, terminal: bool | None = None) -> None:
    """Send structlog and the standard library's loggers through one formatter to standard error."""
    plain = sys.stderr.isatty() if terminal is None else terminal
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if plain:
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.getLogger("kafka").addFilter(Repeated())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("kafka").propagate = True
    for noisy in ("faust", "mode", "aiokafka", "httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
