"""Every server behind an address of Redis, for operators: the one, or each node of a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.redis_address import is_cluster, no_address
from streams.redis_client import client_options, cluster_client


@dataclass(frozen=True, slots=True)
class Server:
    """name: of a node, as host:port. slots: those of a cluster that it holds; a replica holds none."""

    name: str
    client: Redis
    primary: bool = True
    slots: frozenset[int] = frozenset()

    def ask(self, *words: str) -> Any:
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    def cluster_info(self) -> dict[str, str]:
        """What a node knows of its cluster, by the server's own names."""
        return dict(self.ask("CLUSTER INFO"))


@contextmanager
def each_server(address: str, timeout_s: float) -> Iterator[list[Server]]:
    """
    Raises:
        BadSetting: the address is none, or that of a cluster where none is.
        ViewUnavailable: no node of a cluster tells of the others.
    """
    if is_cluster(address):
        with _nodes(address, timeout_s) as nodes:
            yield nodes
        return
    try:
        client = Redis.from_url(
            **client_options(address),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise no_address(str(error)) from None
    with client:
        yield [Server("", client)]


@contextmanager
def _nodes(address: str, timeout_s: float) -> Iterator[list[Server]]:
    cluster = cluster_client(address, timeout_s)
    held: dict[str, set[int]] = {}
    for slot, nodes in cluster.nodes_manager.slots_cache.items():
        held.setdefault(nodes[0].name, set()).add(slot)
    try:
        yield [
            Server(
                node.name,
                cluster.get_redis_connection(node),
                node.name in held,
                frozenset(held.get(node.name, ())),
            )
            for node in cluster.nodes_manager.nodes_cache.values()
        ]
    finally:
        cluster.close()
