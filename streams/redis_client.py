"""How our clients of Redis find it: its password may be in a file, read at each connect."""

from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from redis import CredentialProvider

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
