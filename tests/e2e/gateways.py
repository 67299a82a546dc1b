"""Gateways on a running system, and keys to ask them with."""

import re
import socket
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.stack.waiting import until
from tests.e2e.command_line import PROGRAM, CommandLine

SOON_S = 30.0
# A new key opens nothing for two seconds: tests that wait for one would turn their own address away.
PATIENT = {"FRAUDML_FAILED_KEYS_PER_MINUTE": "100000"}


def made_key(fraudml: CommandLine, *scopes: str, limit: int = 10_000, name: str = "") -> str:
    chosen = [word for scope in scopes for word in ("--scope", scope)]
    name = name or f"test-{uuid.uuid4().hex[:8]}"
    done = fraudml.ok("keys", "create", "--owner", "tests", "--name", name, "--limit", str(limit), *chosen)
    return done.stdout.strip()


def known_key(fraudml: CommandLine, address: str, *scopes: str, limit: int = 10_000, name: str = "") -> str:
    """A key that a running gateway has heard of."""
    key = made_key(fraudml, *scopes, limit=limit, name=name)
    wait_until_known(address, key)
    return key


def wait_until_known(address: str, key: str) -> None:
    """To all processes of a gateway, as far as ten questions tell, each on a connection that any may take."""
    until(lambda: all(_holds(address, key) for _ in range(10)), within_s=SOON_S, every_s=0.2)


def _holds(address: str, key: str) -> bool:
    return httpx.get(f"{address}/v1/decisions/none", headers={"X-API-Key": key}).status_code != 401


def free_port() -> int:
    """Nobody listens on it now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def running_gateway(
    fraudml: CommandLine, log: Path, settings: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The address of a gateway with two processes. settings: beside those of the stack."""
    port = free_port()
    command = [str(PROGRAM), "gateway", "--port", str(port), "--processes", "2"]
    address, environment = f"http://127.0.0.1:{port}", fraudml.environment | PATIENT | dict(settings or {})
    with log.open("wb") as file, subprocess.Popen(command, env=environment, stderr=file) as process:
        try:
            until(lambda: _ready(address, process, log), within_s=60, every_s=0.2)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    """All of its processes, as far as ten questions tell."""
    assert process.poll() is None, log.read_text()[-4000:]
    try:
        return all(httpx.get(address + "/readyz").status_code == 200 for _ in range(10))
    except httpx.HTTPError:
        return False


REQUEST_ID = re.compile(r'"request_id":"\w+"')


def words_of(answer: httpx.Response) -> str:
    """What an answer says, but for the id of its request: that is drawn anew, and may hold any digits."""
    return REQUEST_ID.sub("", answer.text)
