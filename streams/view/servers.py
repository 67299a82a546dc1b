"""Where the keys of a state group are: at the one server, or at the node of a cluster that has their slot."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import Connection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    RedisClusterException,
    TimeoutError,
    TryAgainError,
)
from redis.retry import Retry

from models.errors import BadSetting
from streams.failures import of_redis
from streams.redis_address import is_cluster
from streams.redis_client import client_options, cluster_client, of_cluster

SCAN_COUNT = 1000
READ_BYTES = 1 << 20  # a sweep's histories are megabytes
AT_ANOTHER = 3  # who holds a slot may have changed, and once more while we asked


class Servers(Protocol):
    """connections: grows whenever what was written may have been lost. Not for several threads at once."""

    connections: int

    def ask(self, key: str, *words: Any) -> Any:
        """What the server that holds this key answers; the other keys of a command lie beside it."""

    def scan(self, key: str, match: str) -> Iterator[bytes]:
        """The names of the keys beside this one, each at least once."""

    def close(self) -> None: ...


def servers_of(address: str, timeout_s: float) -> Servers:
    return Cluster(address, timeout_s) if is_cluster(address) else OneServer(address, timeout_s)


class OneServer:
    """One connection, whose every renewal is counted."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self.connections = 0
        self._address = address
        self._timeout_s = timeout_s

    @cached_property
    def _redis(self) -> Redis:
        """The client; it connects as soon as it is made, so that is done at first use."""
        return Redis.from_url(
            **client_options(self._address),
            single_connection_client=True,
            protocol=2,
            socket_timeout=self._timeout_s,
            socket_read_size=READ_BYTES,
            socket_connect_timeout=self._timeout_s,
            # The client's own retries would hide a new connection, and with it writes that were lost.
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._on_connect,
        )

    def _on_connect(self, connection: Connection) -> None:
        connection.on_connect()
        self.connections += 1

    def ask(self, key: str, *words: Any) -> Any:
        try:
            return self._redis.execute_command(*words)
        except AskError as error:
            raise BadSetting(
                "REDIS_URL is that of one server, and a node of a cluster answers",
                why=str(error),
                next_step="write it as redis+cluster:// or rediss+cluster://",
            ) from error

    def scan(self, key: str, match: str) -> Iterator[bytes]:
        yield from self._redis.scan_iter(match=match, count=SCAN_COUNT)

    def close(self) -> None:
        if "_redis" in self.__dict__:
            self._redis.close()


class Cluster:
    """One connection to each node that holds a key of ours. The library finds the nodes; we ask them.

    Its own way of asking would send each call twice, first to learn which of the words are keys, and would
    sleep and repeat where a sweep is better done again. What a replica had not heard of is lost when it takes
    over: that another node holds a key counts as a connection made anew.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        self.connections = 0
        self._address = address
        self._timeout_s = timeout_s
        self._holders: dict[str, str] = {}  # names of nodes, by key
        self._failed: str | None = None  # the node to be asked last who the nodes are

    @cached_property
    def _cluster(self) -> RedisCluster:
        return cluster_client(
            self._address,
            self._timeout_s,
            socket_read_size=READ_BYTES,
            redis_connect_func=self._on_connect,
        )

    def _on_connect(self, connection: Connection) -> None:
        self.connections += 1

    def ask(self, key: str, *words: Any) -> Any:
        try:
            for _ in range(AT_ANOTHER):
                node = self._holder(key)
                try:
                    return self._asked(node, words)
                except MovedError as error:
                    self._cluster.nodes_manager.move_slot(error)
        except (AskError, TryAgainError) as error:
            raise of_redis("a slot of the Redis Cluster is being moved", str(error)) from error
        except RedisClusterException as error:
            self._failed = self._failed or ""
            raise of_cluster(error) from error
        raise of_redis("Redis Cluster does not agree on who holds a slot", f"asked {AT_ANOTHER} times")

    def _asked(self, node: ClusterNode, words: tuple[Any, ...]) -> Any:
        try:
            return self._cluster.get_redis_connection(node).execute_command(*words)
        except (ConnectionError, TimeoutError, ClusterDownError):
            self._failed = node.name
            raise

    def _holder(self, key: str) -> ClusterNode:
        if self._failed is not None:
            self._cluster.nodes_manager.initialize(last_failed_node_name=self._failed)
            self._failed = None
        node: ClusterNode = self._cluster.get_node_from_key(key)
        if self._holders.setdefault(key, node.name) != node.name:
            self._holders[key] = node.name
            self.connections += 1
        return node

    def scan(self, key: str, match: str) -> Iterator[bytes]:
        # A node that has given the slot away lists nothing, and does not say why.
        self.ask(key, "MGET", key)
        node = self._holder(key)
        client = self._cluster.get_redis_connection(node)
        yield from client.scan_iter(match=match, count=SCAN_COUNT)
        self.ask(key, "MGET", key)
        if self._holder(key) != node:
            raise of_redis("a slot of the Redis Cluster was moved", "its keys were being listed")

    def close(self) -> None:
        if "_cluster" in self.__dict__:
            self._cluster.close()
