"""A backup is there whole, or not at all."""

import errno
from pathlib import Path

import pytest

from deploy.backup.errors import CannotBackUp
from deploy.backup.staging import unfinished


def half_made(target: Path, ending: BaseException) -> None:
    with unfinished(target) as work:
        (work / "file").write_text("half")
        raise ending


def test_a_finished_folder_takes_its_name(tmp_path: Path) -> None:
    with unfinished(tmp_path / "new" / "backup") as work:
        (work / "file").write_text("whole")
        assert not (tmp_path / "new" / "backup").exists()
    assert (tmp_path / "new" / "backup" / "file").read_text() == "whole"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["backup"]


@pytest.mark.parametrize("ending", [KeyboardInterrupt, ValueError])
def test_an_interrupted_one_leaves_nothing(tmp_path: Path, ending: type[BaseException]) -> None:
    with pytest.raises(ending):
        half_made(tmp_path / "backup", ending())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_one_line_and_nothing_is_left(tmp_path: Path, number: int) -> None:
    with pytest.raises(CannotBackUp, match="there is no room left in"):
        half_made(tmp_path / "backup", OSError(number, "full"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotBackUp, match="file cannot be used"), unfinished(tmp_path / "file" / "backup"):
        pass
