"""Two workers share both topics, and one that is back within its session moves nothing."""

import json
import re
from collections.abc import Iterator

import httpx
import psutil
import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import CommandLine
from tests.e2e.replays import install_models

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SOON_S = 60.0
PARTITIONS = 8
LAG = re.compile(r'fraud_consumer_lag_records\{partition="(\d+)",topic="(\w+)"\}')


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("two") / "home")
    install_models(line.home)
    stores = ("--only", "kafka", "--only", "valkey", "--only", "postgres")
    try:
        line.ok("up", *stores, "--workers", "2", "--no-reconciler", "--no-gateway")
        yield line
    finally:
        line.ok("down", "--data")


def owned(line: CommandLine, worker: str) -> dict[str, set[int]]:
    """The partitions whose lag a worker reports, by topic."""
    (part,) = [part for part in line.stack.status() if part.part == worker]
    try:
        text = httpx.get(part.metrics_url, timeout=5, trust_env=False).text
    except httpx.HTTPError:
        return {}
    found: dict[str, set[int]] = {}
    for number, topic in LAG.findall(text):
        found.setdefault(topic, set()).add(int(number))
    return found


def shared(line: CommandLine) -> tuple[set[int], set[int]] | None:
    """Whose partitions of transactions are whose, once all are dealt and labels are dealt alike."""
    first, second = (owned(line, worker) for worker in ("worker-0", "worker-1"))
    if not first.get("transactions") or not second.get("transactions"):
        return None
    mine, others = first["transactions"], second["transactions"]
    dealt = len(mine) + len(others) == PARTITIONS and mine == first.get("labels")
    return (mine, others) if dealt else None


def in_the_end(line: CommandLine) -> tuple[set[int], set[int]]:
    found = until(lambda: shared(line), within_s=SOON_S, every_s=0.5)
    assert found is not None
    return found


def revocations(line: CommandLine, worker: str) -> int:
    return line.ok("logs", worker, "--lines", "1000").stdout.count("partitions_revoked")


def test_each_worker_has_half_of_either_topic(line: CommandLine) -> None:
    mine, others = in_the_end(line)
    assert len(mine) == len(others) == PARTITIONS / 2
    assert mine | others == set(range(PARTITIONS))
    assert owned(line, "worker-1")["labels"] == others


def test_a_worker_that_is_back_within_its_session_moves_nothing(line: CommandLine) -> None:
    before = in_the_end(line)
    revoked, pid = revocations(line, "worker-0"), line.stack.pid("worker-1")
    psutil.Process(pid).kill()
    until(lambda: back(line, pid), within_s=SOON_S, every_s=0.5)
    assert in_the_end(line) == before
    assert revocations(line, "worker-0") == revoked


def back(line: CommandLine, killed: int) -> bool:
    """Whether another process has the worker's partitions."""
    found = [part.pid for part in line.stack.status() if part.part == "worker-1"]
    return found not in ([killed], [None]) and bool(owned(line, "worker-1"))


def test_a_second_worker_in_a_slot_ends_one_of_them_and_says_why(line: CommandLine) -> None:
    """Which of them Kafka fences first is its own affair; the stack's worker is back in the end."""
    in_the_end(line)
    done = line.run("worker", "--slot", "0", within_s=SOON_S)
    said = done.stderr + line.ok("logs", "worker-0", "--lines", "1000").stdout
    assert done.returncode == 78
    assert "slot" in said
    in_the_end(line)


def test_what_is_sent_to_any_partition_is_decided(line: CommandLine) -> None:
    sent = "\n".join(json.dumps(payment(number)) for number in range(40))
    answers = line.ok("score", "-", stdin=sent).stdout.splitlines()
    assert {json.loads(answer)["transaction_id"] for answer in answers} == {f"two-{n}" for n in range(40)}


def payment(number: int) -> dict[str, object]:
    return {
        "transaction_id": f"two-{number}",
        "customer_id": f"two-c{number}",
        "terminal_id": "two-t",
        "amount_minor": 1999,
        "currency": "EUR",
        "event_time": "2018-06-01T12:00:00Z",
    }
