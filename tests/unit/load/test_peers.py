"""The contest with peers: turns, what counts, what is lost and doubled; and that the peers' locks hold."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from load.bench.latency import Latency
from load.bench.throughput import Throughput
from load.peers import contest
from load.peers.contest import Contest, Found
from load.peers.environments import LOCKS, build
from load.peers.histories import added_since, copy_histories, should_be_added
from load.peers.losses import Losses, losses
from load.peers.peers import PEERS, PER_EVENT, YARDSTICK, Peer, peers_named
from load.peers.place import Place
from load.peers.process import PeerProcess
from load.peers.watch import PeerWatch
from models.errors import BadSetting, Unavailable
from models.history import COUNT, EVENT, MARK, pack
from tests.unit.load.benches import few
from tests.unit.load.tables import CHECKOUT, START_MS, table_of

# Names.


def test_without_names_all_peers_take_part_in_one_order() -> None:
    assert peers_named([]) == PEERS
    assert [peer.name for peer in peers_named(["faust-take", "quix-batch"])] == ["quix-batch", "faust-take"]


def test_an_unknown_peer_is_told_with_those_that_there_are() -> None:
    with pytest.raises(BadSetting, match=r"there is no peer flink.*confluent-event, confluent-batch"):
        peers_named(["confluent-batch", "flink"])


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_a_program_and_a_lock_with_hashes(peer: Peer) -> None:
    file = CHECKOUT / Path(*peer.program.split(".")).with_suffix(".py")
    assert file.is_file()
    lock = (LOCKS / f"{peer.tool}.lock").read_text()
    packages = re.findall(r"^[a-z0-9][\w.-]*==", lock, re.MULTILINE)
    assert len(packages) > 10
    assert lock.count("--hash=sha256:") >= len(packages)


def test_a_tool_with_a_runner_of_its_own_is_given_the_program() -> None:
    commands = {peer.name: peer.command for peer in PEERS}
    assert commands["quix-batch"] == ("load.peers.tools.quix_batch",)
    assert commands["faust-take"][:2] == ("load.peers.tools.faust_take", "worker")
    assert commands["bytewax-batch"][:3] == ("bytewax.run", "load.peers.tools.bytewax_batch", "-r")


def test_only_programs_per_event_get_less_of_a_backlog() -> None:
    given = {peer.name: peer.at_most(40_000) for peer in PEERS}
    assert {name for name, count in given.items() if count == PER_EVENT} == {
        "confluent-event",
        "quix-event",
        "faust-event",
    }
    assert given[YARDSTICK] == 40_000


def test_peers_compute_with_the_versions_that_we_compute_with() -> None:
    ours = dict(
        re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", (CHECKOUT / "requirements.lock").read_text(), re.MULTILINE)
    )
    pins = re.findall(r"^([\w-]+)(?:\[\w+\])?==(\S+)$", (LOCKS / "shared.in").read_text(), re.MULTILINE)
    assert {name for name, _ in pins} >= {"numpy", "xgboost-cpu", "lightgbm", "msgspec", "redis", "psycopg"}
    assert {name: version for name, version in pins if ours[name] != version} == {}


# Environments.


def test_an_environment_that_cannot_be_built_is_told_without_the_index(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(command: list[str], **named: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 2, "", "cannot reach https://user:secret@index")

    monkeypatch.setattr("subprocess.run", fail)
    with pytest.raises(Unavailable, match="cannot be built") as refused:
        build("confluent", tmp_path)
    assert "secret" not in str(refused.value)


def test_a_peer_that_has_ended_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("no such topic\n")
    process = PeerProcess({}, tmp_path / "log", peer=peers_named(["quix-batch"])[0])
    with pytest.raises(Unavailable, match=r"the quix-batch has ended\. no such topic"):
        process.check()


# Histories.


class Histories:
    """What Redis is asked for of histories."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self.keys = keys

    def scan_iter(self, match: str, count: int) -> list[bytes]:
        return [key.encode() for key in list(self.keys) if key.startswith(match.removesuffix("*"))]

    def mget(self, keys: list[str]) -> list[bytes]:
        return [self.keys[key] for key in keys]

    def pipeline(self, transaction: bool) -> "Histories":
        return self

    def unlink(self, key: str) -> None:
        del self.keys[key]

    def copy(self, source: str, target: str) -> None:
        self.keys[target] = self.keys[source]

    def execute(self) -> None: ...


def records(*values: tuple[int, int, int]) -> bytes:
    """Times, payloads and kinds of a history."""
    time_s, payload, kind = np.array(values, np.int64).T
    return pack(time_s, payload, kind).tobytes()


def test_a_peer_goes_on_with_our_histories_and_with_nothing_of_its_own_before() -> None:
    place = Place("quix-batch")
    redis = Histories(
        {"{f}1:c:anna": b"a", "{f}1:t:shop": b"s", "{f}1:w:topic:0": b"7", "peer:quix-batch:c:old": b""}
    )
    copy_histories(cast(Any, redis), "{f}1:", place)
    assert {key for key in redis.keys if key.startswith("peer:")} == {
        "peer:quix-batch:c:anna",
        "peer:quix-batch:t:shop",
    }


def test_what_was_added_is_counted_record_by_record_labels_and_tiles_aside() -> None:
    redis = Histories(
        {
            "p:c:anna": records((10, 500, EVENT), (20, 700, EVENT), (20, 700, EVENT), (15, 3, COUNT)),
            "p:t:shop": records((20, 0, EVENT), (20, 1, MARK), (9, 0, EVENT)),
        }
    )
    assert added_since(cast(Any, redis), "p:", 15) == {("c:anna", 20, 700): 2, ("t:shop", 20, 0): 1}
    assert added_since(cast(Any, Histories({})), "p:", 0) == {}


def test_a_table_should_be_added_once_to_both_its_histories() -> None:
    second = START_MS // 1000
    table = table_of(
        customer_id=["anna"] * 3,
        terminal_id=["shop"] * 3,
        amount_minor=[1, 1, 2],
        event_time_ms=[START_MS] * 3,
    )
    assert should_be_added(table) == {
        ("c:anna", second, 1): 2,
        ("c:anna", second, 2): 1,
        ("t:shop", second, 0): 3,
    }


# Losses.


def test_lost_and_doubled_are_counted_by_transaction_in_each_store() -> None:
    expected = Counter({("c:a", 1, 5): 1, ("t:s", 1, 0): 1, ("c:a", 2, 5): 1, ("t:s", 2, 0): 1})
    added = Counter({("c:a", 1, 5): 3, ("t:s", 1, 0): 3})
    found = losses("xy", "x", expected, added, flagged=["x", "y"], alerted=["x", "x"])
    assert found == Losses(1, 1, 1, 2, 1)
    assert (found.document()["lost"], found.document()["doubled"]) == (3, 3)


def test_nothing_is_lost_where_all_is_there_once() -> None:
    once = should_be_added(few(5))
    assert losses("ab", "ba", once, once, "a", "a") == Losses(0, 0, 0, 0, 0)


# Figures.


def thought(tx_per_s: float, cpu_us: float) -> Throughput:
    return Throughput(tx_per_s, {"worker": cpu_us}, 1.0, 1.0, 1000)


def test_the_figures_are_medians_with_their_range() -> None:
    found = Found([thought(900, 30.04), thought(1500, 20), thought(1000, 25)]).document()
    assert (found["tx_per_s"], found["cpu_us_per_tx"], found["transactions"]) == (1000, 25, 3000)
    assert (found["tx_per_s_range"], found["cpu_us_per_tx_range"]) == ([900, 1500], [20, 30.0])
    assert found["p50_ms"] is found["p99_ms"] is found["lost"] is found["doubled"] is None


class Stage:
    """All that a contest handles, as one thing that notes what was done."""

    def __init__(self, name: str, story: list[str], most: int = 10**9) -> None:
        self.name, self.story, self.most = name, story, most
        self.process: Any = self

    @property
    def watch(self) -> Any:
        return self

    def at_most(self, transactions: int) -> int:
        return min(self.most, transactions)

    def begin(self, starts: dict[int, int]) -> None:
        self.story.append(f"{self.name} from {sum(starts.values())}")

    def take_histories(self, source: str) -> None:
        self.story.append(f"{self.name} takes {source}")

    def prefix(self) -> str:
        return "ours:"

    def stop(self) -> None:
        self.story.append(f"{self.name} stops")

    def start(self) -> None:
        self.story.append(f"{self.name} starts")

    def kill(self) -> None:
        self.story.append(f"{self.name} is killed")

    def check(self) -> None: ...

    def wait(self, total: int, check: Callable[[], None], every_s: float = 0.01) -> None:
        if self.name == "slow" and total == 24_102:
            raise Unavailable("it stands still")
        self.story.append(f"{self.name} reaches {total}")


class Kafka:
    """One partition of one topic."""

    def __init__(self) -> None:
        self.end = 100
        self.settings = self.log = self
        self.transactions_topic = "transactions"

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        return {0: (0, self.end)}

    def send(self, topic: str, keys: list[bytes], values: list[bytes]) -> None:
        self.end += len(values)


@pytest.fixture
def story() -> list[str]:
    return []


@pytest.fixture
def held(story: list[str], monkeypatch: pytest.MonkeyPatch) -> Contest:
    """Ours and two peers, the second of which gets two transactions of each backlog."""

    def work_off(process: Stage, accounts: object, watch: Stage, before: int, count: int) -> Throughput:
        story.append(f"{process.name} does {count} behind {before}")
        return thought(count, 1.0)

    monkeypatch.setattr(contest, "work_off", work_off)
    kafka: Any = Kafka()
    stages: list[Any] = [Stage("ours", story), Stage("fast", story), Stage("slow", story, most=2)]
    return Contest(stages[0], stages[1:], kafka, kafka, few(30_000), lambda text: None, lambda text: None)


def test_all_work_off_the_same_backlog_from_the_same_state(held: Contest, story: list[str]) -> None:
    held.round(0, 10, counts=False)
    assert story == [
        "fast takes ours:",
        "slow takes ours:",
        "ours from 100",
        "ours does 10 behind 100",
        "ours stops",
        "fast from 100",
        "fast does 10 behind 100",
        "fast stops",
        "slow from 100",
        "slow does 2 behind 100",
        "slow stops",
    ]


def test_rounds_take_turns_at_going_first_and_the_first_one_does_not_count(
    held: Contest, story: list[str]
) -> None:
    for number in range(3):
        held.round(number, 10, counts=number > 0)
    order = [line.split()[0] for line in story if "does" in line]
    assert order == ["ours", "fast", "slow", "fast", "slow", "ours", "slow", "ours", "fast"]
    assert [line.split()[-1] for line in story if "ours does" in line] == ["100", "110", "120"]
    assert {name: len(found.rounds) for name, found in held.found.items()} == {
        "ours": 2,
        "fast": 2,
        "slow": 2,
    }


def test_each_is_killed_with_half_of_a_backlog_and_what_it_leaves_is_counted(
    held: Contest, story: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = Losses(0, 0, 0, 5, 2)
    monkeypatch.setattr(contest, "aftermath", lambda *asked: left)
    monkeypatch.setattr(contest, "SETTLE_S", 0.0)
    held.kill()
    fast = [line for line in story if line.startswith("fast")]
    assert fast == [
        "fast takes ours:",
        "fast from 100",
        "fast starts",
        "fast reaches 12100",
        "fast is killed",
        "fast starts",
        "fast reaches 24100",
        "fast stops",
        "fast takes ours:",
    ]
    # One per event has a backlog of its own; one that never gets to the end is counted too.
    assert story[-4:] == ["slow reaches 24101", "slow is killed", "slow starts", "slow stops"]
    assert {found.losses for found in held.found.values()} == {left}


def test_what_is_too_slow_for_the_rate_is_not_measured_at_it(
    held: Contest, story: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Latency(1000.0, 5.0, 20.0, 30.0, 10_000)
    monkeypatch.setattr(contest, "measure_latency", lambda *asked: measured)
    monkeypatch.setattr(contest, "producer_config", lambda *asked: {})
    for name, rate in {"ours": 9000, "fast": 1101, "slow": 1099}.items():
        held.found[name].rounds.append(thought(rate, 20))
    held.steady(0, 5, 1)
    held.steady(1, 5, 1)
    assert {name: len(found.latencies) for name, found in held.found.items()} == {
        "ours": 2,
        "fast": 2,
        "slow": 0,
    }
    assert [line.split()[0] for line in story if "stops" in line] == ["ours", "fast", "fast", "ours"]
    documents = {name: found.document() for name, found in held.found.items()}
    assert (documents["fast"]["p50_ms"], documents["fast"]["p99_ms_range"]) == (5.0, [20.0, 20.0])
    assert (documents["slow"]["p50_ms"], documents["slow"]["p99_ms_range"]) == (None, None)


# Watching.


class Rows:
    """A ledger that knows how far two partitions are."""

    def __init__(self) -> None:
        self.reached: dict[int, int] = {}

    def execute(self, query: object, parameters: list[list[int]]) -> "Rows":
        self.asked = parameters[0]
        return self

    def fetchall(self) -> list[tuple[int, int | None]]:
        return [(number, self.reached.get(number)) for number in self.asked]


def test_a_partition_without_rows_is_where_the_turn_began(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows()
    monkeypatch.setattr("psycopg.connect", lambda *values, **named: rows)
    watch = PeerWatch("postgresql://", "transactions", Place("quix-batch"))
    watch.begin({0: 40, 3: 50})
    assert watch.total() == 90
    rows.reached = {3: 61}
    assert watch.now() == {0: 40, 3: 61}
