"""The process supervisor: started once per home, told what to do over a socket in a short path."""

import http.client
import shutil
import socket
import subprocess
import tempfile
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.stack.account import Account
from deploy.stack.errors import NotRunning, StackError
from deploy.stack.part import PYTHON
from deploy.stack.state import Daemon
from deploy.stack.supervisor_conf import SOCKET
from deploy.stack.waiting import TimedOut, until

CALL_WITHIN_S = 15.0
START_WITHIN_S = 20.0
BACKOFF = "backoff"
ACTIVE = ("running", "starting", BACKOFF, "stopping")
BAD_NAME, ALREADY_STARTED, NOT_RUNNING = 10, 60, 70


@dataclass(frozen=True)
class Process:
    """A program as the supervisor sees it."""

    name: str
    state: str
    pid: int
    uptime_s: float

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=CALL_WITHIN_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CALL_WITHIN_S)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _Connection(self._path)
        self._connection = host, connection  # what close() closes
        return connection


class Supervisor:
    """Calls to a running supervisord.

    Raises, from every method:
        NotRunning: nobody answers at the socket.
        StackError: it refuses.
    """

    def __init__(self, socket_folder: str) -> None:
        self._folder = socket_folder
        self._path = f"{socket_folder}/{SOCKET}"

    def answers(self) -> bool:
        try:
            self._call("getPID")
        except NotRunning:
            return False
        return True

    def pid(self) -> int:
        return int(self._call("getPID"))

    def processes(self) -> dict[str, Process]:
        told = [_process(info) for info in self._call("getAllProcessInfo")]
        return {process.name: process for process in told}

    def reread(self, names: Iterable[str]) -> None:
        """Take these programs as the configuration now has them; they must not be running."""
        ((added, changed, _gone),) = self._call("reloadConfig")
        known = self.processes()
        for name in names:
            if name in changed and name in known:
                self._call("removeProcessGroup", name)
            if name in added or name in changed:
                self._call("addProcessGroup", name)

    def start(self, name: str) -> None:
        self._call("startProcess", name, False, allowed=(ALREADY_STARTED,))

    def stop(self, name: str, within_s: float) -> None:
        """Tell a program to stop, and wait until it has; the supervisor kills one that does not listen."""
        self._call("stopProcess", name, False, allowed=(NOT_RUNNING, BAD_NAME))
        until(lambda: not self._active(name), within_s=within_s)

    def remove(self, name: str) -> None:
        self._call("removeProcessGroup", name, allowed=(BAD_NAME,))

    def shut_down(self) -> None:
        self._call("shutdown")

    def _active(self, name: str) -> bool:
        process = self.processes().get(name)
        return process is not None and process.active

    def _call(self, method: str, *arguments: object, allowed: tuple[int, ...] = ()) -> Any:
        if not self._folder:
            raise NotRunning("no supervisor runs", next_step="fraudml up")
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(self._path)) as server:
            try:
                return getattr(server.supervisor, method)(*arguments)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode in allowed:
                    return None
                raise StackError(f"the supervisor refused to {method}", why=str(fault.faultString)) from None
            except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
                raise NotRunning("no supervisor runs", why=str(error), next_step="fraudml up") from None


def new_socket_folder(account: Account) -> str:
    """A short path for the socket: systems allow some 107 bytes, and a checkout may lie deep."""
    folder = tempfile.mkdtemp(prefix="fraudml-")
    account.own(Path(folder))
    return folder


def remove_socket_folder(folder: str) -> None:
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def launch(conf: Path, socket_folder: str, account: Account, environment: Mapping[str, str]) -> Daemon:
    """Start supervisord; it goes to the background by itself once its configuration is read.

    Raises:
        StackError: it did not start.
    """
    command = account.command((PYTHON, "-m", "supervisor.supervisord", "-c", str(conf)))
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=dict(environment),
            cwd="/",
            timeout=START_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError("the process supervisor did not start", why=str(error)) from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise StackError(
            "the process supervisor did not start", why=words[-1] if words else "it said nothing"
        )
    return _wait_for(Supervisor(socket_folder))


def _wait_for(supervisor: Supervisor) -> Daemon:
    try:
        pid = until(lambda: supervisor.answers() and supervisor.pid(), within_s=START_WITHIN_S)
    except TimedOut:
        raise StackError(
            "the process supervisor does not answer", next_step="fraudml logs supervisor"
        ) from None
    return Daemon(pid, psutil.Process(pid).create_time())


def _process(info: Mapping[str, Any]) -> Process:
    state = str(info["statename"]).lower()
    uptime_s = max(0.0, float(info["now"]) - float(info["start"])) if info["pid"] else 0.0
    return Process(str(info["name"]), state, int(info["pid"]), uptime_s)
