"""Redis' users: what each role may do, and to which keys; and our functions, which the operator alone loads.

To call a function a user needs the commands that it calls. No role may run a script, load or list functions,
see or change the configuration, empty a keyspace, or touch a key that is not of its kind.
"""

import hashlib
from urllib.parse import unquote, urlsplit

from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from api.limits import FUNCTIONS as LIMITS
from models.errors import BadSetting, Misuse
from streams.failures import of_redis
from streams.files_of_secrets import newest
from streams.redis_address import is_cluster
from streams.redis_servers import each_server
from streams.settings import Settings, variable_of
from streams.view.redis_view import LIBRARY as VIEW

TIMEOUT_S = 10
CONNECTING = ("ping", "select", "client|setinfo")
HISTORIES = "{fraud.*"
LIMITED = "fraudml-limit:*"
APPLYING = ("fcall", "mget", "get", "set", "append", "scan", "unlink")
# What clients of a cluster ask besides: who holds what, and which words of a command are keys.
ROUTED = ("command", "cluster|slots", "asking")
COUNTING = ("lindex", "llen", "lpush", "ltrim", "pexpire", "time")

# By role: patterns of keys, and commands.
USERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "worker": ((f"~{HISTORIES}",), (*CONNECTING, *APPLYING)),
    "gateway": ((f"~{HISTORIES}", f"~{LIMITED}"), (*CONNECTING, *APPLYING, *COUNTING)),
    "auditor": ((f"%R~{HISTORIES}",), (*CONNECTING, "mget", "scan")),
}


def rules_of(role: str, password: str, clustered: bool = False) -> list[str]:
    """As ACL SETUSER takes them, and a line of an ACL file; of the password its SHA-256 alone."""
    keys, commands = USERS[role]
    hashed = hashlib.sha256(password.encode()).hexdigest()
    # Passwords, keys and channels of before are forgotten first.
    begin = ["reset", "on", f"#{hashed}", "-@all"]
    routed = ROUTED if clustered else ()
    return [*begin, *keys, *(f"+{command}" for command in (*commands, *routed))]


def apply(settings: Settings) -> list[str]:
    """Load our functions, and bring the users that have an address to their rights, on every node.

    Returns:
        The users, by their names in Redis.
    Raises:
        BadSetting: an address names no user, or has no password.
        Misuse: the user of REDIS_URL may not do that.
        ViewUnavailable: Redis cannot be reached.
    """
    users = {role: _named(settings, role) for role in USERS if getattr(settings, f"redis_url_{role}")}
    clustered = is_cluster(settings.redis_url)
    try:
        with each_server(settings.redis_url, TIMEOUT_S) as servers:
            for server in servers:
                if server.primary:
                    load(server.client)
                # A cluster's nodes do not tell each other of users, and a replica may take over.
                for role, (name, password) in users.items():
                    rules = rules_of(role, password, clustered)
                    server.ask("ACL", "SETUSER", name, *rules)
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
