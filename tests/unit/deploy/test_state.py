from pathlib import Path

import pytest

from deploy.stack.errors import StackError
from deploy.stack.state import Daemon, State, read_state, write_state


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    state = State(ports={"kafka": 15_001}, socket_folder="/tmp/x", supervisor=Daemon(7, 1.5))
    (tmp_path / "state.json").write_text(write_state(state))
    assert read_state(tmp_path / "state.json") == state


def test_without_a_file_nothing_is_remembered(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") == State()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"ports": {"kafka": "x"}}')
    with pytest.raises(StackError, match=r"state\.json is damaged"):
        read_state(tmp_path / "state.json")
