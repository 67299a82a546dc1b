"""Redis' users: what each role may do, and to which keys; and our functions, which the operator alone loads.

To call a function a user needs the commands that it calls. No role may run a script, load or list functions,
see or change the configuration, empty a keyspace, or touch a key that is not of its kind.
"""

import hashlib
from urllib.parse import unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, RedisError
from redis.retry import Retry

from api.limits import FUNCTIONS as LIMITS
from models.errors import BadSetting, Misuse
from streams.failures import of_redis
from streams.files_of_secrets import newest
from streams.redis_client import client_options
from streams.settings import Settings, variable_of
from streams.view.redis_view import LIBRARY as VIEW

TIMEOUT_S = 10
CONNECTING = ("ping", "select", "client|setinfo")
HISTORIES = "{fraud.*"
LIMITED = "fraudml-limit:*"
APPLYING = ("fcall", "mget", "get", "set", "append", "scan", "unlink")
COUNTING = ("lindex", "llen", "lpush", "ltrim", "pexpire", "time")

# By role: patterns of keys, and commands.
USERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "worker": ((f"~{HISTORIES}",), (*CONNECTING, *APPLYING)),
    "gateway": ((f"~{HISTORIES}", f"~{LIMITED}"), (*CONNECTING, *APPLYING, *COUNTING)),
    "auditor": ((f"%R~{HISTORIES}",), (*CONNECTING, "mget", "scan")),
}


def rules_of(role: str, password: str) -> list[str]:
    """As ACL SETUSER takes them, and a line of an ACL file; of the password its SHA-256 alone."""
    keys, commands = USERS[role]
    hashed = hashlib.sha256(password.encode()).hexdigest()
    # Passwords, keys and channels of before are forgotten first.
    begin = ["reset", "on", f"#{hashed}", "-@all"]
    return [*begin, *keys, *(f"+{command}" for command in commands)]


def apply(settings: Settings) -> list[str]:
    """Load our functions, and bring the users that have an address to their rights.

    Returns:
        The users, by their names in Redis.
    Raises:
        BadSetting: an address names no user, or has no password.
        Misuse: the user of REDIS_URL may not do that.
        ViewUnavailable: Redis cannot be reached.
    """
    users = {role: _named(settings, role) for role in USERS if getattr(settings, f"redis_url_{role}")}
    try:
        with Redis.from_url(
            **client_options(settings.redis_url),
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            load(client)
            for role, (name, password) in users.items():
                client.execute_command("ACL", "SETUSER", name, *rules_of(role, password))
    except NoPermissionError as error:
        raise Misuse(
            "the user of REDIS_URL may neither load functions nor make users",
            why=str(error).splitlines()[0],
            next_step="set REDIS_URL to that of Redis' operator, for this command alone",
        ) from None
    except RedisError as error:
        raise of_redis("Redis failed while users were made", str(error)) from None
    return [name for name, _ in users.values()]


def load(client: Redis) -> None:
    """Our functions, in place of those of the same name."""
    for library in (VIEW, LIMITS):
        client.function_load(library, replace=True)


def _named(settings: Settings, role: str) -> tuple[str, str]:
    field = f"redis_url_{role}"
    parts = urlsplit(newest(getattr(settings, field)))
    if not parts.username or not parts.password:
        raise BadSetting(
            f"{variable_of(field)} names no user, or has no password",
            next_step="write it as redis://user:password@host:6379/0",
        )
    return unquote(parts.username), unquote(parts.password)
