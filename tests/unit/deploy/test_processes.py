import os
from pathlib import Path

import psutil
import pytest

from deploy.stack.processes import Starts, daemon_process, read_starts, started_process
from deploy.stack.state import Daemon

OUR_PID, OUR_UID = os.getpid(), os.getuid()


@pytest.fixture
def our_birth() -> float:
    return psutil.Process(OUR_PID).create_time()


def test_starts_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "x.starts").write_text("7\n8\n")
    starts = read_starts(tmp_path / "x.starts")
    assert starts is not None
    assert starts.pids == (7, 8)


def test_a_part_that_never_started_has_no_starts(tmp_path: Path) -> None:
    (tmp_path / "empty.starts").write_text("")
    assert read_starts(tmp_path / "none.starts") is None
    assert read_starts(tmp_path / "empty.starts") is None


def test_a_process_that_was_there_when_it_was_noted_is_ours(our_birth: float) -> None:
    assert started_process(Starts((1, OUR_PID), our_birth + 0.1), OUR_UID) is not None


def test_a_pid_given_anew_after_it_was_noted_is_somebody_elses(our_birth: float) -> None:
    assert started_process(Starts((OUR_PID,), our_birth - 60), OUR_UID) is None


def test_a_process_of_another_user_is_never_ours(our_birth: float) -> None:
    assert started_process(Starts((OUR_PID,), our_birth + 0.1), OUR_UID + 1) is None


def test_a_supervisor_is_known_by_pid_and_birth(our_birth: float) -> None:
    assert daemon_process(Daemon(OUR_PID, our_birth), OUR_UID) is not None
    assert daemon_process(Daemon(OUR_PID, our_birth - 60), OUR_UID) is None
    assert daemon_process(None, OUR_UID) is None
