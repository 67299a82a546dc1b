"""A Redis Cluster of local nodes, for tests marked `stack`: the embedded stack's server, several times."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.exceptions import RedisError

from deploy.stack.ports import LOCALHOST, assign
from deploy.stack.valkey import binary
from deploy.stack.waiting import until

PASSWORD = "a-password-of-tests"
NODES = 3
READY_WITHIN_S = 20.0
CALL_S = 5.0
# How long a node may be silent before another takes its place.
NODE_TIMEOUT_MS = 1000


@dataclass
class Node:
    """One server. What it holds is gone with its process."""

    folder: Path
    port: int
    bus_port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"{LOCALHOST}:{self.port}"

    def start(self) -> None:
        told = {
            **{"bind": LOCALHOST, "port": self.port, "dir": self.folder, "logfile": self.folder / "log"},
            **{"requirepass": PASSWORD, "primaryauth": PASSWORD, "save": "", "appendonly": "no"},
            **{"cluster-enabled": "yes", "cluster-port": self.bus_port},
            **{"cluster-node-timeout": NODE_TIMEOUT_MS, "cluster-config-file": self.folder / "nodes.conf"},
        }
        words = [str(word) for name, value in told.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([str(binary()), *words])
        until(self._answers, within_s=READY_WITHIN_S)

    def _answers(self) -> bool:
        with suppress(RedisError), self.client() as client:
            return bool(client.ping())
        return False

    def client(self, user: str = "default", password: str = PASSWORD) -> Redis:
        return Redis(LOCALHOST, self.port, username=user, password=password, socket_timeout=CALL_S)

    def ask(self, *words: Any) -> Any:
        with self.client() as client:
            return client.execute_command(*words)

    @property
    def name(self) -> str:
        """As its cluster calls it."""
        return str(self.ask("CLUSTER MYID").decode())

    def is_primary(self) -> bool:
        return bool(self.ask("ROLE")[0] == b"master")

    def follows(self) -> bool:
        """Whether it is a replica that has all that its primary has."""
        role, *_ = found = self.ask("ROLE")
        return bool(role == b"slave" and found[3] == b"connected")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class LocalCluster:
    nodes: list[Node]

    @property
    def address(self) -> str:
        """Names two of its nodes; the others are to be found."""
        named = ",".join(node.address for node in self.nodes[:2])
        return f"redis+cluster://:{PASSWORD}@{named}"

    def join(self) -> None:
        """Make one cluster of nodes that know nothing yet, with all slots spread over them."""
        size = -(-SLOTS // len(self.nodes))
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER ADDSLOTSRANGE", number * size, min(SLOTS, (number + 1) * size) - 1)
            node.ask("CLUSTER SET-CONFIG-EPOCH", number + 1)
            self.meet(node)
        self.await_whole()

    def meet(self, node: Node) -> None:
        self.nodes[0].ask("CLUSTER MEET", LOCALHOST, node.port, node.bus_port)

    def follow(self, primary: Node, replica: Node) -> None:
        """A node that holds no slots becomes another's replica."""
        self.meet(replica)
        self.nodes.append(replica)
        self.await_whole()
        replica.ask("CLUSTER REPLICATE", primary.name)
        until(replica.follows, within_s=READY_WITHIN_S)

    def cut_off(self, primary: Node, replica: Node) -> None:
        """From here on the replica hears nothing of what is written, and may still take over."""
        replica.ask("CONFIG SET", "primaryauth", "another")
        primary.ask("CLIENT KILL", "TYPE", "replica")

    def await_whole(self) -> None:
        until(lambda: all(self._whole(node) for node in self.nodes), within_s=READY_WITHIN_S)

    def _whole(self, node: Node) -> bool:
        told = node.ask("CLUSTER INFO")
        return told["cluster_state"] == "ok" and int(told["cluster_known_nodes"]) >= len(self.nodes)

    def empty(self) -> None:
        """Every node is as one that starts with an empty disk, but that it knows the others."""
        for node in self.nodes:
            node.ask("FLUSHALL")
            node.ask("FUNCTION FLUSH")

    def holder(self, slot: int) -> Node:
        (found,) = [
            node
            for node in self.nodes
            for first, last, (_, port, *_), *_ in self.nodes[0].ask("CLUSTER SLOTS")
            if first <= slot <= last and node.port == port
        ]
        return found

    def begin_move(self, slot: int, to: Node) -> list[bytes]:
        """A slot begins to move, as by operators' tools; the keys that are to go one by one."""
        source = self.holder(slot)
        to.ask("CLUSTER SETSLOT", slot, "IMPORTING", source.name)
        source.ask("CLUSTER SETSLOT", slot, "MIGRATING", to.name)
        return list(source.ask("CLUSTER GETKEYSINSLOT", slot, 1000))

    def move_key(self, slot: int, key: bytes, to: Node) -> None:
        words = (LOCALHOST, to.port, key, 0, int(CALL_S * 1000), "AUTH", PASSWORD)
        self.holder(slot).ask("MIGRATE", *words)

    def end_move(self, slot: int, to: Node) -> None:
        name = to.name
        for node in sorted(self.nodes, key=lambda each: each is not to):
            node.ask("CLUSTER SETSLOT", slot, "NODE", name)


@contextmanager
def local_cluster(replicas: int = 0) -> Iterator[LocalCluster]:
    """Replicas are the last nodes, and the first node's."""
    with tempfile.TemporaryDirectory(prefix="fraudml-cluster-") as folder, ExitStack() as exits:
        nodes = new_nodes(Path(folder), NODES + replicas)
        for node in nodes:
            exits.callback(node.kill)
            node.start()
        cluster = LocalCluster(nodes[:NODES])
        cluster.join()
        for replica in nodes[NODES:]:
            cluster.follow(nodes[0], replica)
        yield cluster


def new_nodes(folder: Path, count: int) -> list[Node]:
    names = [f"node-{number}" for number in range(count)]
    ports = assign([*names, *(f"{name}-bus" for name in names)], {}, given={}).ports
    for name in names:
        (folder / name).mkdir()
    return [Node(folder / name, ports[name], ports[f"{name}-bus"]) for name in names]


@pytest.fixture(scope="session")
def started_cluster() -> Iterator[LocalCluster]:
    """Three nodes for the whole run, started by the first test that asks."""
    with local_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(started_cluster: LocalCluster) -> LocalCluster:
    """Three nodes that hold nothing."""
    started_cluster.empty()
    return started_cluster
