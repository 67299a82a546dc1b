"""Where a Redis is: one server, or a cluster of which a few nodes are named."""

from urllib.parse import urlsplit, urlunsplit

from models.errors import BadSetting
from streams.files_of_secrets import HeldAddress

# By the scheme of a cluster's address, that of one of its nodes.
OF_CLUSTERS = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
PORT = 6379
WRITTEN = "write it as redis://:password@host:6379/0, or redis+cluster://:password@host:6379,host:6379"


def is_cluster(address: str) -> bool:
    return urlsplit(address).scheme in OF_CLUSTERS


def no_address(why: str = "") -> BadSetting:
    return BadSetting("REDIS_URL is no address of a Redis", why=why, next_step=WRITTEN)


def named_nodes(address: str) -> list[tuple[str, int]]:
    """Host and port of each node that the address of a cluster names; the others are asked for.

    Raises:
        BadSetting: it names none, or what it names is none.
    """
    try:
        nodes = [urlsplit(f"//{each}") for each in _hosts(address).split(",")]
        found = [(node.hostname or "", node.port or PORT) for node in nodes]
    except ValueError as error:
        raise no_address(str(error)) from None
    if not all(host for host, _ in found):
        raise no_address("a node has no host")
    return found


def of_one_node(address: str) -> str:
    """The address as of a cluster's first node alone: what else it tells is the same for all of them.

    Raises:
        BadSetting: it names a keyspace that no cluster has.
    """
    parts = urlsplit(address)
    if parts.path not in ("", "/", "/0"):
        raise no_address("a cluster has no keyspace but 0")
    user, at, hosts = parts.netloc.rpartition("@")
    netloc = f"{user}{at}{hosts.partition(',')[0]}"
    alone = urlunsplit(parts._replace(scheme=OF_CLUSTERS[parts.scheme], netloc=netloc, path="/0"))
    return address.put(alone) if isinstance(address, HeldAddress) else alone


def _hosts(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2]
