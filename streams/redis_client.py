"""How our clients of Redis find it: password and certificates may be in files, read at each connect."""

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from redis import CredentialProvider
from redis.asyncio import ConnectionPool, Redis, SSLConnection
from redis.asyncio import RedisCluster as AsyncCluster
from redis.asyncio.cluster import ClusterNode as AsyncNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.exceptions import NoPermissionError, RedisClusterException, RedisError, ResponseError
from redis.retry import Retry as BlockingRetry

from models.errors import BadSetting, FraudError
from streams.failures import of_redis
from streams.files_of_secrets import HeldAddress, newest
from streams.redis_address import is_cluster, named_nodes, no_address, of_one_node

# What the clients raise; those of a cluster are not of the one tree.
OF_REDIS = (RedisError, RedisClusterException, OSError)
# A call of a cluster: asked in vain, the nodes asked for, and asked again.
ROUNDS = 3
NO_CLUSTER = "cluster support disabled"


class HeldCredentials(CredentialProvider):
    """User and password of an address that a file holds, as it is when a connection is made."""

    def __init__(self, address: HeldAddress) -> None:
        self._address = address

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        found = urlsplit(newest(self._address))
        password = unquote(found.password or "")
        return (unquote(found.username), password) if found.username else (password,)


def client_options(address: str) -> dict[str, Any]:
    """What `Redis.from_url` is called with, besides time-outs.

    The user's rights are asked for as it connects: it needs no command beyond those of its role.
    """
    if not isinstance(address, HeldAddress):
        return {"url": address}
    parts = urlsplit(address)
    if "@" not in parts.netloc:
        return {"url": str(address)}
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return {"url": bare, "credential_provider": HeldCredentials(address)}


def cluster_options(address: str, timeout_s: float) -> dict[str, Any]:
    """What either client of a cluster is called with, besides its nodes."""
    options = client_options(of_one_node(address))
    try:
        told: dict[str, Any] = parse_url(options.pop("url"))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise no_address(str(error)) from None
    for single in ("host", "port", "db"):
        told.pop(single, None)
    encrypted = {"ssl": True} if told.pop("connection_class", None) else {}
    limits = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    # The nodes that the address names are asked for the others, always: theirs may be known by numbers that
    # change. Slots that nobody serves are no reason not to speak of those that somebody does.
    asking = {"dynamic_startup_nodes": False, "require_full_coverage": False, "protocol": 2}
    return {**told, **options, **encrypted, **limits, **asking}


def cluster_client(address: str, timeout_s: float, **others: Any) -> RedisCluster:
    """Knows the nodes of a cluster and what each holds; asks for that when it is made.

    Raises:
        BadSetting: what answers there is no cluster.
        ViewUnavailable: no node that the address names tells of the others.
    """
    nodes = [ClusterNode(*node) for node in named_nodes(address)]  # type: ignore[no-untyped-call]
    options = cluster_options(address, timeout_s) | others
    try:
        return RedisCluster(startup_nodes=nodes, retry=BlockingRetry(NoBackoff(), 0), **options)
    except RedisClusterException as error:
        raise of_cluster(error) from error


def of_cluster(error: RedisClusterException) -> FraudError:
    """The library says of any refusal that cluster mode is not enabled; the server's own words are below."""
    cause = error.__cause__
    refused = cause.__context__ if isinstance(cause, RedisClusterException) else None
    if not isinstance(refused, ResponseError):
        return of_redis("the Redis Cluster is out of reach", str(error).splitlines()[0])
    if NO_CLUSTER in str(refused):
        return BadSetting(
            "REDIS_URL is that of a cluster, and what answers is none",
            next_step="write it as redis:// or rediss://, of one server",
        )
    asked = "fraudml access" if isinstance(refused, NoPermissionError) else ""
    return of_redis("a node does not tell of its cluster", str(refused), asked)


class ReadAnewConnection(SSLConnection):
    """Reads the files of certificates whenever it connects; the library's own does so once."""

    async def connect_check_health(self, *checks: Any, **others: Any) -> None:
        """What connecting comes down to, whoever asks for it."""
        self.ssl_context.context = None
        await super().connect_check_health(*checks, **others)


class FunctionCluster(AsyncCluster):
    """Calls functions at the node that holds their first key.

    The library by itself would ask a server first which of the words are keys, at every call.
    """

    within_s: float

    async def fcall(self, function: str, numkeys: int, *keys_and_args: Any) -> Any:
        await self.initialize()
        # While the cluster is down it would sleep before it says so.
        async with asyncio.timeout(self.within_s):
            holder = self.get_node_from_key(str(keys_and_args[0]))
            return await self.execute_command("FCALL", function, numkeys, *keys_and_args, target_nodes=holder)


def async_client(address: str, timeout_s: float) -> Any:
    """For an event loop; each call is tried once. Raises what `OF_REDIS` names."""
    if is_cluster(address):
        return _async_cluster(address, timeout_s)
    pool = ConnectionPool.from_url(
        **client_options(address),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
    if pool.connection_class is SSLConnection:
        pool.connection_class = ReadAnewConnection
    return Redis.from_pool(pool)


def _async_cluster(address: str, timeout_s: float) -> FunctionCluster:
    nodes = [AsyncNode(host, port) for host, port in named_nodes(address)]
    options = cluster_options(address, timeout_s)
    client = FunctionCluster(startup_nodes=nodes, retry=Retry(NoBackoff(), 0), **options)
    client.within_s = ROUNDS * timeout_s
    if options.get("ssl"):
        client.connection_kwargs["connection_class"] = ReadAnewConnection
        for node in client.startup_nodes:
            node.connection_class = ReadAnewConnection
    return client
