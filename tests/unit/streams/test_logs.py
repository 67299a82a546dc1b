"""Logs: one line of JSON for a machine, words for a person, and never a body or a secret."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from models.errors import KafkaUnavailable
from streams.logs import set_up_logs
from tests.builders import Worker, label, transaction

MARK = "producers-own-words"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is one for the whole process: whoever comes next finds it as it was."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    yield
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**config)


def lines(capture: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capture.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_each_event_is_one_line_of_json_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", terminal=False)
    structlog.get_logger("streams.test").info("view_healed", group=0, words="two\nlines")
    logging.getLogger("other.library").warning("%d brokers down", 3)
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["group"], ours["words"]) == ("view_healed", 0, "two\nlines")
    assert (ours["level"], ours["logger"]) == ("info", "streams.test")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "3 brokers down",
        "warning",
        "other.library",
    )
    assert ours["timestamp"].endswith("Z")


def test_a_person_at_a_terminal_reads_words(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", terminal=True)
    structlog.get_logger("streams.test").info("view_healed", group=0)
    shown = capsys.readouterr().err
    assert "view_healed" in shown
    assert "{" not in shown


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_what_is_below_the_level_is_not_written(
    level: str, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(level, terminal=False)
    for name in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger("streams.test"), name)("event")
    assert [line["level"] for line in lines(capsys)] == shown


def test_setting_up_twice_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        set_up_logs("info", terminal=False)
    logging.getLogger("streams.test").info("event")
    assert len(lines(capsys)) == 1


def test_an_error_is_written_with_its_traceback_and_without_the_values_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs("info", terminal=False)
    password = MARK
    try:
        raise KafkaUnavailable("the consumer failed", why="no broker")
    except KafkaUnavailable:
        structlog.get_logger("streams.test").error("event", exc_info=True)
    (line,) = lines(capsys)
    assert "the consumer failed" in line["exception"]
    assert password not in json.dumps(line)


def test_an_address_that_is_asked_over_http_is_never_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HTTP client writes each address at info, with whatever stands in it."""
    set_up_logs("debug", terminal=False)
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get(f"http://user:{MARK}@mlflow/?token={MARK}")
    assert MARK not in capsys.readouterr().err


@pytest.mark.parametrize("noisy", ["faust", "mode", "aiokafka", "httpx", "httpcore", "alembic"])
def test_libraries_that_talk_much_are_heard_when_they_warn(
    noisy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger of its own: MLflow, where it was imported before, has arranged some to its liking.
    monkeypatch.delitem(logging.root.manager.loggerDict, noisy, raising=False)
    set_up_logs("debug", terminal=False)
    logging.getLogger(noisy).info("chatter")
    logging.getLogger(noisy).warning("trouble")
    assert [line["event"] for line in lines(capsys)] == ["trouble"]


def test_nothing_that_a_producer_sends_is_written() -> None:
    """Bodies, keys and ids may be personal; a dead letter and a conflict are counted, not quoted."""
    worker = Worker()
    with capture_logs() as logs:
        worker.decide(
            transaction(
                MARK, customer_id=MARK, terminal_id=MARK, attributes={MARK: MARK}, amount_minor=20_000
            ),
            transaction(MARK, customer_id=MARK, amount_minor=7),
            transaction("b", currency=MARK, customer_id=MARK),
            b'{"%s": oops' % MARK.encode(),
            transaction("c", event_time=MARK),
        )
        worker.label(label(MARK), label(MARK, label=MARK), label("unknown", label_id=MARK))
        worker.view.reconnect()
        worker.decide(transaction("d", customer_id=MARK))
    assert [entry["event"] for entry in logs] == ["view_begun_anew"]
    assert MARK not in repr(logs)


def test_what_kafka_s_client_repeats_is_told_once_in_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", terminal=False)
    for attempt in range(50):
        logging.getLogger("kafka").error(f"FAIL [rdkafka#1]: connect failed (after {attempt} ms)")
    logging.getLogger("kafka").error("FAIL [rdkafka#2]: connect failed")
    assert len(lines(capsys)) == 2
