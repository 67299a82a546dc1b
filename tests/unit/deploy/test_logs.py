from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.stack.logs import follow, last_lines, log_files
from models.errors import NotFound

Write = Callable[[], object]


@pytest.fixture
def kafka_log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "valkey.log").write_text("one\n")
    path = tmp_path / "logs" / "kafka.log"
    path.write_text("one\ntwo\nthree\n")
    return path


class Writing:
    """A clock whose pauses are when the log is written."""

    def __init__(self, *writes: Write) -> None:
        self.writes = list(writes)

    def now(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        if not self.writes:
            raise KeyboardInterrupt
        self.writes.pop(0)()


def followed(home: Path, *writes: Write) -> list[str]:
    lines: list[str] = []
    with suppress(KeyboardInterrupt):
        for line in follow(log_files(home, "kafka"), Writing(*writes)):
            lines.append(line)
    return lines


def test_one_log_is_shown_as_it_is(tmp_path: Path, kafka_log: Path) -> None:
    assert list(last_lines(log_files(tmp_path, "kafka"), 2)) == ["two", "three"]


def test_all_logs_are_told_apart_by_their_part(tmp_path: Path, kafka_log: Path) -> None:
    assert list(last_lines(log_files(tmp_path, None), 1)) == ["kafka  | three", "valkey | one"]


def test_a_part_without_a_log_is_not_found_and_the_others_are_named(tmp_path: Path, kafka_log: Path) -> None:
    with pytest.raises(NotFound, match="logs are there of: kafka, valkey"):
        log_files(tmp_path, "mlflow")


def test_without_any_log_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="fraudml up"):
        log_files(tmp_path, None)


def test_following_shows_only_what_is_new(tmp_path: Path, kafka_log: Path) -> None:
    assert followed(tmp_path, lambda: append(kafka_log, "four\n")) == ["four"]


def test_following_waits_for_the_end_of_a_line(tmp_path: Path, kafka_log: Path) -> None:
    writes = (lambda: append(kafka_log, "fo"), lambda: append(kafka_log, "ur\n"))
    assert followed(tmp_path, *writes) == ["four"]


def test_following_goes_on_after_a_log_was_rotated(tmp_path: Path, kafka_log: Path) -> None:
    assert followed(tmp_path, lambda: kafka_log.write_text("new\n")) == ["new"]


def append(path: Path, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)
