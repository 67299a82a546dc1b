import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.stack.account import closed_to, unprivileged
from deploy.stack.errors import StackError

NOBODY = 65_534


def status(mode: int, uid: int = 0, gid: int = 0) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


FOLDER, FILE = 0o040000, 0o100000
OPEN = status(FOLDER | 0o755)


def tree(**closed: os.stat_result) -> Callable[[Path], os.stat_result]:
    """Every folder is open, but those named."""
    return lambda path: closed.get(path.name, OPEN)


def test_open_folders_are_open() -> None:
    assert closed_to(NOBODY, NOBODY, [Path("/srv/checkout")], look=tree()) is None


def test_a_closed_folder_on_the_way_is_found() -> None:
    look = tree(closed=status(FOLDER | 0o700))
    assert closed_to(NOBODY, NOBODY, [Path("/closed/x/python")], look=look) == Path("/closed")


def test_a_folder_of_its_own_is_open_to_its_owner() -> None:
    look = tree(own=status(FOLDER | 0o700, uid=NOBODY))
    assert closed_to(NOBODY, NOBODY, [Path("/own/x")], look=look) is None


def test_a_folder_that_may_be_passed_but_not_listed_is_enough_on_the_way_and_not_at_the_end() -> None:
    look = tree(way=status(FOLDER | 0o711))
    assert closed_to(NOBODY, NOBODY, [Path("/way/x")], look=look) is None
    assert closed_to(NOBODY, NOBODY, [Path("/way")], look=look) == Path("/way")


def test_what_is_not_made_yet_is_no_obstacle() -> None:
    def look(path: Path) -> os.stat_result:
        if path.name == "new":
            raise FileNotFoundError(path)
        return OPEN

    assert closed_to(NOBODY, NOBODY, [Path("/srv/new/x")], look=look) is None


def test_root_hands_over_to_the_unprivileged_user() -> None:
    account = unprivileged("nobody", 7, 8, setpriv="/bin/setpriv", closed=None, may_lend_reading=True)
    expected = ["/bin/setpriv", "--reuid=7", "--regid=8", "--clear-groups", "--", "initdb"]
    assert account.command(["initdb"]) == expected


def test_the_right_to_read_is_lent_only_where_a_folder_is_closed() -> None:
    account = unprivileged(
        "nobody", 7, 8, setpriv="/bin/setpriv", closed=Path("/closed"), may_lend_reading=True
    )
    assert "--inh-caps=+dac_read_search" in account.prefix
    assert "--ambient-caps=+dac_read_search" in account.prefix
    assert account.note == "started as root: the stack runs as nobody, lent read access (/closed is closed)"


def test_root_without_setpriv_is_told_what_to_do() -> None:
    with pytest.raises(StackError, match="install util-linux, or run fraudml up as an ordinary user"):
        unprivileged("nobody", 7, 8, setpriv=None, closed=None, may_lend_reading=True)


def test_root_that_may_not_lend_the_right_to_read_is_told_which_folder_is_closed() -> None:
    with pytest.raises(StackError, match=r"who cannot enter /closed.*chmod o\+x /closed"):
        unprivileged("nobody", 7, 8, setpriv="/bin/setpriv", closed=Path("/closed"), may_lend_reading=False)
