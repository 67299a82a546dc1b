"""How our clients of Redis find it: password and certificates may be in files, read at each connect."""

from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from redis import CredentialProvider
from redis.asyncio import ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams.files_of_secrets import HeldAddress, newest


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


class ReadAnewConnection(SSLConnection):
    """Reads the files of certificates whenever it connects; the library's own does so once."""

    async def connect(self) -> None:
        self.ssl_context.context = None
        await super().connect()  # type: ignore[no-untyped-call]


def async_client(address: str, timeout_s: float) -> Redis:
    """For an event loop; each call is tried once."""
    pool = ConnectionPool.from_url(
        **client_options(address),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
    if pool.connection_class is SSLConnection:
        pool.connection_class = ReadAnewConnection
    return Redis.from_pool(pool)
