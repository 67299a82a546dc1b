"""How workers come and go. The process here only serves metrics, as a worker does."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.stack.errors import PartFailed
from deploy.stack.monitor import Monitor
from deploy.stack.part import Program
from deploy.stack.parts import COMPANIONS
from deploy.stack.stack import Stack
from deploy.stack.workers import Worker
from tests.integration.deploy.stacks import pid_of, processes_of, small_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

SERVE = """
import http.server, os
class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        words = os.environ.get("REDIS_URL", "none"), os.environ["FRAUDML_HOME"]
        self.wfile.write(" ".join(words).encode())
names = {"FRAUDML_METRICS_PORT", "FRAUDML_GATEWAY_PORT", "FRAUDML_RECONCILER_PORT", "FRAUDML_MONITOR_PORT"}
(port,) = (os.environ[name] for name in names & set(os.environ))
http.server.HTTPServer(("127.0.0.1", int(port)), Metrics).serve_forever()
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    (tmp_path / "serve.py").write_text(SERVE)
    tmp_path.chmod(0o755)
    command = (sys.executable, str(tmp_path / "serve.py"))
    for kind in (Worker, *COMPANIONS.values()):
        monkeypatch.setattr(kind, "program", lambda part: Program(command, part.environment()))
    monkeypatch.setattr(Monitor, "prepare", lambda part: None)  # there is no ledger here
    stack = small_stack(tmp_path)
    yield stack
    stack.down(remove_data=True)
    assert processes_of(stack.home) == []


def parts(stack: Stack) -> list[str]:
    return [status.part for status in stack.status()]


def test_workers_are_added_to_a_running_stack_and_taken_away(stack: Stack) -> None:
    assert stack.up(("valkey",), workers=1) == ("valkey", "worker-0")
    first = pid_of(stack, "worker-0")
    assert stack.up(("valkey",), workers=3) == ("worker-1", "worker-2")
    assert parts(stack) == ["valkey", "worker-0", "worker-1", "worker-2"]
    assert stack.up(("valkey",), workers=1) == ()
    assert parts(stack) == ["valkey", "worker-0"]
    assert pid_of(stack, "worker-0") == first
    assert stack.up(("valkey",), workers=2) == ("worker-1",)


def test_a_worker_serves_metrics_where_status_says_and_knows_its_stores(stack: Stack) -> None:
    stack.up(("valkey",), workers=1)
    (worker,) = [status for status in stack.status() if status.part == "worker-0"]
    told = httpx.get(worker.metrics_url, timeout=5).text
    assert told == f"{stack.env()['REDIS_URL_WORKER']} {stack.home}"


def test_companions_come_and_go_with_the_workers(stack: Stack) -> None:
    assert stack.up(("valkey",), workers=1, companions=COMPANIONS) == ("valkey", "worker-0", *COMPANIONS)
    assert stack.up(("valkey",), workers=None, companions=COMPANIONS) == ()
    found = [status for status in stack.status(readiness=True) if status.part in COMPANIONS]
    for status in found:
        url = status.address if status.address.startswith("http") else status.metrics_url
        role = COMPANIONS[status.part].role
        own = stack.env()[f"REDIS_URL_{role.upper()}"] if role else "none"
        assert httpx.get(url, timeout=5).text == f"{own} {stack.home}"
    assert [status.ready for status in found] == [True] * len(COMPANIONS)
    assert stack.up(("valkey",), workers=1, companions=["gateway"]) == ()
    assert parts(stack) == ["valkey", "worker-0", "gateway"]
    assert stack.up(("valkey",), workers=1) == ()
    assert parts(stack) == ["valkey", "worker-0"]


@pytest.mark.slow
def test_a_worker_that_ends_at_once_is_given_up_soon(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('no such model')")
    broken = Program((sys.executable, str(tmp_path / "broken.py")))
    monkeypatch.setattr(Worker, "program", lambda worker: broken)
    with pytest.raises(PartFailed, match=r"worker-0 ended 4 times.*no such model"):
        stack.up(("valkey",), workers=1)
    assert stack.status() == []


def test_the_stores_are_awaited_but_not_a_worker_nobody_waits_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = Program((sys.executable, "-c", "import time; time.sleep(600)"))
    monkeypatch.setattr(Worker, "program", lambda worker: never)
    stack.up(("valkey",), workers=1, wait_for=("valkey",))
    assert pid_of(stack, "worker-0")
