"""Lists, followed alerts and counts of a gateway, over rows that others write; it needs no model for them."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.stack.waiting import until
from deploy.stack.workers import passed_on
from streams.ledger import PostgresLedger
from streams.ledger.rounds import PostgresRounds
from streams.reconcile.outcome import Outcome
from streams.reconcile.range import Range
from tests.builders import NOW
from tests.contracts.test_answers import answered
from tests.e2e.command_line import PROGRAM
from tests.e2e.gateways import free_port
from tests.stores import Stores, empty_ledger

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

FOLLOWING = {"Accept": "text/event-stream"}
SOON_S = 30.0
BOOTSTRAP = "a key to make the first ones with"


@dataclass
class Gateway:
    address: str
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"
    ledger: PostgresLedger
    written: Iterator[int] = field(default_factory=count)

    def write(self, many: int = 1, **fields: Any) -> list[str]:
        """Reviews that come to stand, one second after the other; their ids, in this order too."""
        numbers = [next(self.written) for _ in range(many)]
        made = [
            answered(f"tx-{number:04}", decided_at=NOW + timedelta(seconds=number), **fields)
            for number in numbers
        ]
        self.ledger.answer(made)
        return [each.decided.transaction_id for each in made]

    def fraudml(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(PROGRAM), *arguments], env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def running(stores: Stores, url: str, home: Path) -> Iterator[Gateway]:
    """A gateway with two processes: whoever comes back may meet the other one."""
    settings = stores.settings.model_copy(update={"database_url": url})
    mine = {"FRAUDML_HOME": str(home), "API_KEY": BOOTSTRAP, "DATABASE_URL": url}
    mine |= {"KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers, "REDIS_URL": settings.redis_url}
    environment = {**os.environ, **passed_on(settings), **mine}
    port = free_port()
    address, log = f"http://127.0.0.1:{port}", home / "log"
    command = [str(PROGRAM), "gateway", "--port", str(port), "--processes", "2"]
    with (
        closing(PostgresLedger(url, 10.0, "writer")) as ledger,
        log.open("wb") as file,
        subprocess.Popen(command, env=environment, stderr=file) as process,
    ):
        try:
            until(lambda: _answers(address, process, log), within_s=60, every_s=0.2)
            yield Gateway(address, environment, process, ledger)
        finally:
            process.terminate()
            process.wait(20)


def _answers(address: str, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-4000:]
    try:
        return httpx.get(f"{address}/v1/decisions", headers={"X-API-Key": BOOTSTRAP}).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def gateway(stores: Stores, own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    empty_ledger(own_database)
    with running(stores, own_database, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def caller(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.address, headers={"X-API-Key": BOOTSTRAP}, timeout=20) as client:
        yield client


def pages(caller: httpx.Client, path: str, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = caller.get(path, params=asked)
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        if page.json()["next_cursor"] is None:
            return found
        asked["cursor"] = page.json()["next_cursor"]


def test_a_case_has_its_surroundings_while_there_is_no_model(gateway: Gateway, caller: httpx.Client) -> None:
    made = gateway.write(3)
    told = caller.get(f"/v1/reviews/{made[1]}/context")
    assert told.status_code == 200, told.text
    context = told.json()
    assert (context["variants"], context["unavailable"]) == ([], ["models", "policy"])
    for entity in ("customer", "terminal"):
        rows = context[entity]["timeline"]["rows"]
        assert set(made) <= {row["transaction_id"] for row in rows}
        assert sum(day["transactions"] for day in context[entity]["timeline"]["days"]) == len(rows)
    assert caller.get("/v1/reviews/nobody/context").json()["code"] == "not_found"


def test_lists_are_read_page_by_page(gateway: Gateway, caller: httpx.Client) -> None:
    made = gateway.write(7)
    span = {"from": (NOW + timedelta(seconds=int(made[0][3:]))).isoformat()}
    for path in ("/v1/decisions", "/v1/alerts"):
        assert [each["transaction_id"] for each in pages(caller, path, limit=3, **span)] == made[::-1]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("limit=201", "invalid_value"),
        ("limit=0", "invalid_value"),
        ("decision=maybe", "invalid_value"),
        ("customer_id=%00", "invalid_value"),
        ("customer_id=", "invalid_value"),
        ("variant=a%0Ab", "invalid_value"),
        ("degraded=perhaps", "invalid_value"),
        ("from=2018-06-01", "invalid_value"),
        ("from=1527854400", "invalid_value"),
        ("from=2018-06-01T00:00:00", "invalid_value"),
        ("to=2018-06-01T00:00:00+02:00", "invalid_value"),
        ("since=2018-06-01T00:00:00Z", "unknown_parameter"),
        ("cursor=abc", "cursor"),
        ("cursor=%C3%A9", "cursor"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/alerts"])
def test_what_cannot_be_asked_is_told(caller: httpx.Client, path: str, asked: str, code: str) -> None:
    refused = caller.get(f"{path}?{asked}")
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2018-06-01T00:00:00%2B02:00"]
)
def test_any_time_may_be_asked_for(caller: httpx.Client, moment: str) -> None:
    for path in ("/v1/decisions", "/v1/alerts"):
        assert caller.get(f"{path}?from={moment}&to={moment}").json()["items"] == []


def test_a_cursor_that_was_changed_or_is_of_another_question_is_refused(
    gateway: Gateway, caller: httpx.Client
) -> None:
    gateway.write(2)
    cursor = caller.get("/v1/decisions?limit=1").json()["next_cursor"]
    changed = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    for asked in ({"cursor": changed}, {"cursor": cursor, "path": "rest"}):
        refused = caller.get("/v1/decisions", params=asked)
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor")
        assert refused.json()["type"] == "/problems/cursor"


class Followed:
    """An open stream: its events, and the last id it bore."""

    def __init__(self, response: httpx.Response) -> None:
        self.lines = response.iter_lines()
        self.last_id = ""

    def event(self) -> dict[str, Any] | None:
        """The next; None when the stream ends."""
        for line in self.lines:
            if line.startswith("id: "):
                self.last_id = line[4:]
            if line.startswith("data: "):
                found: dict[str, Any] = json.loads(line[6:])
                return found
        return None

    def opened(self) -> None:
        """Has said from where it follows."""
        while not self.last_id:
            line = next(self.lines)
            self.last_id = line[4:] if line.startswith("id: ") else ""


@contextmanager
def following(
    address: str, key: str, last_id: str = "", **asked: Any
) -> Iterator[tuple[Followed, httpx.Response]]:
    headers = {**FOLLOWING, "X-API-Key": key, **({"Last-Event-ID": last_id} if last_id else {})}
    with (
        httpx.Client(base_url=address, timeout=20) as client,
        client.stream("GET", "/v1/alerts", headers=headers, params=asked) as response,
    ):
        assert response.status_code == 200, response.read()
        yield Followed(response), response


def ids(stream: Followed, many: int) -> list[str]:
    found = [stream.event() for _ in range(many)]
    return [each["transaction_id"] for each in found if each]


def test_alerts_are_followed_and_resumed_without_loss_or_repetition(gateway: Gateway) -> None:
    with following(gateway.address, BOOTSTRAP) as (stream, response):
        assert response.headers["content-type"].startswith("text/event-stream")
        stream.opened()
        made = gateway.write(2) + gateway.write()
        assert ids(stream, 3) == made
    for _ in range(4):
        missed = gateway.write(3)
        with following(gateway.address, BOOTSTRAP, stream.last_id) as (stream, _):
            live = gateway.write(2)
            assert ids(stream, 5) == missed + live


def test_a_stream_holds_what_fits_its_filters(gateway: Gateway) -> None:
    with following(gateway.address, BOOTSTRAP, degraded=True) as (stream, _):
        stream.opened()
        gateway.write()
        wanted = gateway.write(degraded_reason="no_history")
        assert ids(stream, 1) == wanted


def test_an_id_that_is_none_of_ours_and_what_is_not_for_a_stream_are_refused(caller: httpx.Client) -> None:
    foreign = caller.get("/v1/alerts", headers={**FOLLOWING, "Last-Event-ID": "17"})
    assert (foreign.status_code, foreign.json()["code"]) == (422, "cursor")
    unfit = caller.get("/v1/alerts?limit=5", headers=FOLLOWING)
    assert (unfit.status_code, unfit.json()["code"]) == (422, "invalid_value")


def test_a_revoked_key_ends_its_streams(gateway: Gateway) -> None:
    key = gateway.fraudml("keys", "create", "--owner", "t", "--name", "follower", "--scope", "decisions:read")

    def opens() -> bool:
        headers = {"X-API-Key": key}
        return httpx.get(f"{gateway.address}/v1/decisions", headers=headers).status_code == 200

    # Each process looks by itself, so more than one must have said yes.
    until(lambda: all(opens() for _ in range(8)), within_s=SOON_S, every_s=0.5)
    with following(gateway.address, key) as (stream, _):
        stream.opened()
        gateway.fraudml("keys", "revoke", key.split("_")[2], "--why", "a test")
        assert stream.event() is None


def test_streams_end_soon_after_the_gateway_is_told_to_stop(
    stores: Stores, own_database: str, tmp_path: Path
) -> None:
    with running(stores, own_database, tmp_path) as gateway:
        with following(gateway.address, BOOTSTRAP) as (stream, _):
            stream.opened()
            told_s = time.monotonic()
            gateway.process.terminate()
            assert stream.event() is None
            gateway.process.wait(20)
            assert time.monotonic() - told_s < 9
        assert gateway.process.returncode == 0


def test_statistics_count_what_was_decided(gateway: Gateway, caller: httpx.Client) -> None:
    asked = {"from": NOW.isoformat(), "to": (NOW + timedelta(hours=1)).isoformat()}
    before = caller.get("/v1/stats", params=asked).json()
    gateway.write(3, degraded_reason="no_history")
    after = caller.get("/v1/stats", params=asked).json()
    assert after["decisions"] == before["decisions"] + 3
    assert sum(point["decisions"] for point in after["points"]) == after["decisions"]
    assert (after["alert_rate"], after["unavailable"], after["in_force"]) == (1.0, [], None)
    assert after["unclaimed_answers"]["count"] == before["unclaimed_answers"]["count"] + 3
    lanes = after["partitions"]
    assert {each["topic"] for each in lanes} == {"transactions", "labels"}
    assert all(each["lag"] == each["end"] - each["settled"] for each in lanes)


def test_how_long_requests_for_decisions_took_is_told_a_moment_later(caller: httpx.Client) -> None:
    transaction = {
        "transaction_id": "timed",
        "customer_id": "c-1",
        "terminal_id": "t-1",
        "amount_minor": 500,
        "currency": "EUR",
        "event_time": "2018-06-01T03:00:00Z",
    }

    def told() -> dict[str, Any]:
        found: dict[str, Any] = caller.get("/v1/stats").json()
        return found

    def counts(found: dict[str, Any]) -> int:
        return sum(each["count"] for each in found["latency"] if each["path"] == "rest")

    before = told()
    for _ in range(5):
        assert caller.post("/v1/score", json=transaction).status_code == 200
    until(lambda: counts(told()) >= counts(before) + 5, within_s=SOON_S, every_s=0.2)
    after = told()
    assert counts(after) == counts(before) + 5
    assert counts(after) == sum(counts(point) for point in after["points"])
    (latency,) = (each for each in after["latency"] if each["path"] == "rest")
    assert 0 < latency["p50_s"] <= latency["p95_s"] <= latency["p99_s"] < 10
    assert before["counted_at"] < after["counted_at"]


def test_the_last_round_of_the_background_check_is_told(gateway: Gateway, caller: httpx.Client) -> None:
    with closing(PostgresRounds(gateway.environment["DATABASE_URL"], 10.0, "writer")) as rounds:
        rounds.add(Outcome(Range()), 1.5)
    told = caller.get("/v1/stats").json()["reconcile"]
    assert (told["findings"], told["took_s"]) == (0, 1.5)


def test_what_a_key_has_used_is_told_over_all_processes(gateway: Gateway, caller: httpx.Client) -> None:
    key = gateway.fraudml("keys", "create", "--owner", "t", "--name", "user", "--scope", "stats:read")
    passed: list[int] = []

    def passes() -> bool:
        answer = httpx.get(f"{gateway.address}/v1/policies", headers={"X-API-Key": key})
        passed.extend([1] * (answer.status_code == 200))
        return answer.status_code == 200

    # Each process looks by itself, so more than one must have said yes.
    until(lambda: all([passes() for _ in range(8)]), within_s=SOON_S, every_s=0.5)
    told = {each["key_id"]: each for each in caller.get("/v1/keys/usage").json()["keys"]}
    mine = told[key.split("_")[2]]
    assert (mine["owner"], mine["name"], mine["limit_per_minute"]) == ("t", "user", 100)
    assert mine["used"] == len(passed)


@pytest.mark.parametrize(
    "asked",
    [
        "from=2018-06-02T00:00:00Z&to=2018-06-01T00:00:00Z",
        "from=0001-01-01T00:00:00Z",
        "to=9999-12-31T23:59:59Z",
        "to=1970-01-01T00:00:00Z",
        "to=0001-01-01T00:00:00Z",
        "from=2018-06-01T00:00:00Z&to=2021-06-01T00:00:00Z",
    ],
)
def test_statistics_of_what_cannot_be_are_refused(caller: httpx.Client, asked: str) -> None:
    refused = caller.get(f"/v1/stats?{asked}")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_value")
