"""Whom the stack runs as. Postgres refuses root, and nothing here needs it."""

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.errors import StackError
from streams.settings import CHECKOUT

UNPRIVILEGED = "nobody"
CAP_DAC_READ_SEARCH, CAP_SETPCAP = 1 << 2, 1 << 8
LENDING = CAP_DAC_READ_SEARCH | CAP_SETPCAP


@dataclass(frozen=True)
class Account:
    """`prefix` makes a command run as this account; empty when we are it already."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    note: str = ""

    def command(self, argv: Iterable[str]) -> list[str]:
        return [*self.prefix, *argv]

    def own(self, path: Path) -> None:
        """Give one file or folder to the account."""
        if self.prefix:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own_tree(self, root: Path) -> None:
        """Give what is below a folder to the account, where it is not its own already."""
        if not self.prefix:
            return
        self.own(root)
        for folder, folders, files in os.walk(root):
            for name in (*folders, *files):
                path = Path(folder, name)
                if path.lstat().st_uid != self.uid:
                    self.own(path)


def ourselves() -> Account:
    return Account(os.geteuid(), os.getegid())


def choose_account(user: str = UNPRIVILEGED, *, must_read: Iterable[Path] = ()) -> Account:
    """We ourselves, or, started as root, the unprivileged user.

    Args:
        must_read: files and folders that the account has to read, besides the interpreter and the checkout.
    Raises:
        StackError: there is no such user, or no way to become it.
    """
    if os.geteuid() != 0:
        return ourselves()
    entry = _entry(user)
    code = (Path(sys.executable).resolve(), Path(sys.prefix), Path(sys.base_prefix), CHECKOUT)
    closed = closed_to(entry.pw_uid, entry.pw_gid, (*code, *must_read))
    return unprivileged(
        user,
        entry.pw_uid,
        entry.pw_gid,
        setpriv=shutil.which("setpriv"),
        closed=closed,
        may_lend_reading=_effective_capabilities() & LENDING == LENDING,
    )


def unprivileged(
    user: str, uid: int, gid: int, *, setpriv: str | None, closed: Path | None, may_lend_reading: bool
) -> Account:
    """The account that root hands the stack to; `closed` is a folder which that user cannot enter."""
    if setpriv is None:
        raise StackError(
            f"started as root, and the stack runs as {user}, but the command setpriv is not here",
            next_step="install util-linux, or run fraudml up as an ordinary user",
        )
    prefix = (setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    if closed is None:
        return Account(uid, gid, (*prefix, "--"), f"started as root: the stack runs as {user}")
    if not may_lend_reading:
        raise StackError(
            f"the stack runs as {user}, who cannot enter {closed}",
            why="this root may not lend the right to read (CAP_DAC_READ_SEARCH, CAP_SETPCAP)",
            next_step=f"chmod o+x {closed}, or run fraudml up as an ordinary user",
        )
    # Without the secure bit the kernel forgets what is lent where a program asks whether it may read, as Java
    # does (access(2)). The program itself starts with nothing but what is lent here.
    lent = (
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
        "--",
    )
    return Account(
        uid,
        gid,
        (*prefix, *lent),
        f"started as root: the stack runs as {user}, lent read access ({closed} is closed)",
    )


def closed_to(
    uid: int, gid: int, paths: Iterable[Path], *, look: Callable[[Path], os.stat_result] = os.stat
) -> Path | None:
    """The first folder on the way to one of the paths, or the path itself, that the user may not read."""
    for path in paths:
        for step in (*reversed(path.parents), path):
            try:
                status = look(step)
            except FileNotFoundError:
                break  # not made yet
            if not _may_pass(status, uid, gid, last=step == path):
                return step
    return None


def _may_pass(status: os.stat_result, uid: int, gid: int, *, last: bool) -> bool:
    folder = stat.S_ISDIR(status.st_mode)
    needed = (0o1 if folder else 0) | (0o4 if last else 0)
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    return (status.st_mode >> shift) & needed == needed


def _entry(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise StackError(
            f"started as root, and there is no user {user} to run the stack as",
            next_step="run fraudml up as an ordinary user, or name another one with --user",
        ) from None


def _effective_capabilities() -> int:
    """What this process may do, as Linux tells it; 0 where it does not."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
