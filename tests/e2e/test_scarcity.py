"""No room for logs, few file descriptors, too little memory: no request is lost, no row is half written."""

import os
import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import PROGRAM, CommandLine
from tests.e2e.gateways import known_key, running_gateway
from tests.e2e.replays import stack_with_models
from tests.e2e.rotations import SOON_S, asking, assert_books_agree, payment, running

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]

SCOPES = ("score:write", "decisions:read")
FEW = 256  # file descriptors
ENDS_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def fraudml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("scarce")
    with stack_with_models(folder, None, "--no-reconciler", "--no-gateway", "--workers", "0") as line:
        yield line


@contextmanager
def full_disk(place: Path) -> Iterator[Path]:
    """A file system of 64 KiB in which nothing can be written any more."""
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk of a fixed size")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        fill(place / "filling")
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, timeout=30)


def fill(file: Path) -> None:
    with file.open("wb", 0) as filling, suppress(OSError):
        while True:
            filling.write(bytes(4096))
    assert os.statvfs(file).f_bavail == 0


def test_without_room_for_logs_everything_is_decided_all_the_same(
    fraudml: CommandLine, tmp_path: Path
) -> None:
    told = {"LOG_LEVEL": "DEBUG"}
    with (
        full_disk(tmp_path / "disk") as disk,
        running(fraudml, "worker", disk / "worker.log", told),
        running_gateway(fraudml, disk / "gateway.log", told) as gateway,
    ):
        with asking(gateway, known_key(fraudml, gateway, *SCOPES)) as callers:
            callers.go_on()
        assert callers.failures == []
        assert_books_agree(fraudml)
        assert [log.stat().st_size for log in disk.glob("*.log")] == [0, 0]


def test_a_gateway_without_file_descriptors_answers_whoever_is_connected_and_then_everybody(
    fraudml: CommandLine, tmp_path: Path
) -> None:
    with (
        running(fraudml, "worker", tmp_path / "worker.log", {}),
        running_gateway(fraudml, tmp_path / "log") as gateway,
    ):
        processes = of_gateways()
        for each in processes:
            each.rlimit(resource.RLIMIT_NOFILE, (FEW, FEW))
        key = known_key(fraudml, gateway, *SCOPES)
        with httpx.Client(base_url=gateway, headers={"X-API-Key": key}, timeout=10) as connected:
            assert connected.post("/v1/score", json=payment()).status_code == 200
            with crowd(gateway, 3 * FEW):
                until(lambda: any(each.num_fds() >= FEW - 1 for each in processes), within_s=SOON_S)
                told = [connected.post("/v1/score", json=payment()).status_code for _ in range(20)]
                assert told == [200] * 20
        with asking(gateway, key) as callers:
            callers.go_on(20)
        assert callers.failures == []
        assert all(each.is_running() for each in processes)
        assert_books_agree(fraudml)


def of_gateways() -> list[psutil.Process]:
    """The processes of the gateway that run below this one."""
    found = psutil.Process().children(recursive=True)
    return [each for each in found if "gateway" in each.cmdline() or "spawn_main" in " ".join(each.cmdline())]


@contextmanager
def crowd(address: str, size: int) -> Iterator[None]:
    """So many who connect and say nothing."""
    url = httpx.URL(address)
    with ExitStack() as connections:
        for _ in range(size):
            one = connections.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex((url.host, url.port))
        yield


def test_a_worker_that_gets_no_more_memory_leaves_nothing_half_done(
    fraudml: CommandLine, tmp_path: Path
) -> None:
    """It goes on with what it has, or ends and says so by its code; the next one goes on where it was."""
    log = tmp_path / "worker.log"
    with (
        running_gateway(fraudml, tmp_path / "gateway.log") as gateway,
        asking(gateway, known_key(fraudml, gateway, *SCOPES)) as callers,
    ):
        ended = starved(fraudml, log)
        assert ended != 0, log.read_text()[-2000:]
        with running(fraudml, "worker", tmp_path / "next.log", {}):
            callers.go_on()
            assert_books_agree(fraudml)
            assert callers.failures == []


def starved(fraudml: CommandLine, log: Path) -> int | None:
    """The code with which a worker ended that got no more memory while it worked; None if it did not end."""
    with log.open("wb") as file:
        process = subprocess.Popen([str(PROGRAM), "worker"], env=fraudml.environment, stderr=file)
    try:
        until(lambda: b"partitions_assigned" in log.read_bytes(), within_s=SOON_S)
        psutil.Process(process.pid).rlimit(resource.RLIMIT_DATA, (1, 1))
        return process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        return None
    finally:
        process.kill()
        process.wait()
