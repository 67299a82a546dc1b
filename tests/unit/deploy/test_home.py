from pathlib import Path

import pytest

from deploy.stack.account import ourselves
from deploy.stack.errors import StackError
from deploy.stack.home import Home, enough_room


def test_files_are_for_the_owner_only_and_put_in_place_whole(home: Home) -> None:
    home.write(home.conf("x"), "text")
    assert home.conf("x").read_text() == "text"
    assert home.conf("x").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.conf("x").parent.iterdir()] == ["x"]


def test_a_link_planted_in_place_of_a_file_is_replaced_not_followed(home: Home, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    home.conf("x").symlink_to(victim)
    home.write(home.conf("x"), "text")
    assert victim.read_text() == "mine"


def test_a_link_planted_in_place_of_a_log_is_not_followed(home: Home) -> None:
    home.log("kafka").symlink_to(home.root / "victim")
    with pytest.raises(OSError, match="symbolic link"), home.append_to_log("kafka"):
        pass


def test_a_second_up_at_the_same_time_is_told_so(home: Home) -> None:
    with (
        home.locked(),
        pytest.raises(StackError, match="another fraudml up or down is at work"),
        home.locked(),
    ):
        pass


def test_the_lock_is_free_again_afterwards(home: Home) -> None:
    with home.locked():
        pass
    with home.locked():
        pass


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"GiB are free in .*, the stack needs 1048576"):
        enough_room(tmp_path, needed_bytes=1 << 50)


def test_a_home_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match=r"cannot be used.*set FRAUDML_HOME"):
        Home(tmp_path / "file" / "home", ourselves()).prepare()


def test_removing_the_data_removes_what_the_stack_made_and_nothing_else(home: Home) -> None:
    home.write(home.stack_env, "X=1")
    for made_by_workers in ("models", "faust"):
        (home.root / made_by_workers / "deep").mkdir(parents=True)
    (home.root / "notes.txt").write_text("mine")
    home.remove_data()
    assert [path.name for path in home.root.iterdir()] == ["notes.txt"]


def test_an_empty_home_goes_with_its_data(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", ourselves())
    home.prepare()
    home.remove_data()
    assert not home.root.exists()
