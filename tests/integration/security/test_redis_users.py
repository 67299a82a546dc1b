"""Each role may do in Redis what its work needs, on its own keys; all else is refused by Redis itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from deploy.access import redis_users
from models.errors import BadSetting, Misuse, ViewUnavailable
from streams.ports import Change
from streams.settings import Settings
from streams.topics import Partition
from streams.verdicts import marks_as_additions
from streams.view import RedisView
from streams.view.redis_view import LIBRARY
from tests.stores import Stores, empty_view

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

ROLES = tuple(redis_users.USERS)
APPLIERS = ("worker", "gateway")


def address_of(url: str, user: str, password: str = "secret-of-tests") -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture(scope="module")
def users(own_keyspace: str, stores: Stores) -> Settings:
    addresses = {f"redis_url_{role}": address_of(own_keyspace, f"test-{role}") for role in ROLES}
    settings = stores.settings.model_copy(update={"redis_url": own_keyspace, **addresses})
    empty_view(own_keyspace)
    assert redis_users.apply(settings) == [f"test-{role}" for role in ROLES]
    return settings


@contextmanager
def acting(settings: Settings, role: str) -> Iterator[Any]:
    with Redis.from_url(getattr(settings, f"redis_url_{role}"), socket_timeout=5) as client:
        yield client


@contextmanager
def viewing(url: str) -> Iterator[RedisView]:
    view = RedisView(url, 5.0)
    try:
        yield view
    finally:
        view.close()


REFUSED = [
    ("EVAL", "return 1", "0"),
    ("EVALSHA", "0" * 40, "0"),
    ("SCRIPT", "LOAD", "return 1"),
    ("FUNCTION", "LOAD", "REPLACE", LIBRARY),
    ("FUNCTION", "LIST"),
    ("FUNCTION", "FLUSH"),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("KEYS", "*"),
    ("ACL", "LIST"),
    ("ACL", "WHOAMI"),
    ("CLIENT", "LIST"),
    ("SHUTDOWN",),
    ("SAVE",),
    ("MONITOR",),
    ("REPLICAOF", "NO", "ONE"),
    ("INFO",),
    ("DEL", "{fraud.1.0}view"),
    ("RENAME", "{fraud.1.0}view", "{fraud.1.0}other"),
    ("SET", "another", "1"),
    ("GET", "another"),
    ("MGET", "{fraud.1.0}view", "another"),
    ("APPEND", "another", "1"),
    ("UNLINK", "another"),
    ("FCALL", "fraudml_adopt_1", "1", "another", "", "a:b"),
    ("SUBSCRIBE", "channel"),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("command", REFUSED, ids=lambda command: " ".join(command[:2])[:24])
def test_what_no_role_may_do_is_refused(role: str, command: tuple[str, ...], users: Settings) -> None:
    with acting(users, role) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)


@pytest.mark.parametrize("command", [("SET", "{fraud.1.0}view", "a:b"), ("APPEND", "{fraud.1.0}x", "1")])
def test_the_background_check_writes_nothing(command: tuple[str, ...], users: Settings) -> None:
    with acting(users, "auditor") as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)


def test_a_worker_does_not_touch_what_gateways_count(users: Settings) -> None:
    with acting(users, "worker") as client, pytest.raises(NoPermissionError):
        client.execute_command("FCALL", "fraudml_limit_2", "1", "fraudml-limit:a", "60000000", "100", "1")


@pytest.mark.parametrize("role", APPLIERS)
def test_histories_are_adopted_read_and_moved(role: str, users: Settings) -> None:
    partition = Partition(role, 0)
    with viewing(getattr(users, f"redis_url_{role}")) as view:
        found = view.read({}, [], {}).groups[0].view
        assert view.adopt(0, found, f"ledger:{role}")
        change = Change({0: f"ledger:{role}"}, {partition: (0, 5)}, marks_as_additions([]))
        view.apply(change)
        assert view.read({0: f"ledger:{role}"}, [partition], {}).groups[0].watermarks == {partition: 5}


def test_the_background_check_reads_them_by_name(users: Settings) -> None:
    with viewing(users.redis_url) as operators:
        found = operators.read({}, [], {}).groups[0].view
        operators.adopt(0, found, "ledger:names")
    with Redis.from_url(users.redis_url) as client:
        client.set("{fraud.1.0}names:c:ann", b"")
    with viewing(users.redis_url_auditor) as view:
        assert list(view.names({0: "ledger:names"})) == [("customer", "ann")]


def test_who_has_no_name_or_a_wrong_password_stays_outside(users: Settings) -> None:
    wrong = address_of(users.redis_url, "test-worker", "another")
    with Redis.from_url(wrong, socket_timeout=5) as client, pytest.raises(AuthenticationError):
        client.ping()


def test_the_rules_that_redis_tells_are_those_declared(users: Settings) -> None:
    """Told by Redis in its own order and form: commands are compared as sets, and each role's keys."""
    with Redis.from_url(users.redis_url, decode_responses=True) as operator:
        for role, (keys, commands) in redis_users.USERS.items():
            told = operator.acl_getuser(f"test-{role}")
            assert set(told["commands"]) == {f"+{command}" for command in commands}
            assert (told["categories"], told["channels"]) == (["-@all"], [])
            assert sorted(told["keys"]) == sorted(keys)


def test_made_again_it_is_the_same(users: Settings) -> None:
    with Redis.from_url(users.redis_url, decode_responses=True) as operator:
        before = operator.acl_list()
        redis_users.apply(users)
        assert operator.acl_list() == before


def test_a_redis_that_lost_our_functions_says_whom_to_ask(users: Settings) -> None:
    with Redis.from_url(users.redis_url) as operator:
        operator.function_flush()
    with (
        viewing(users.redis_url_worker) as view,
        pytest.raises(ViewUnavailable, match=r"has not the functions of this version.*fraudml access"),
    ):
        view.adopt(0, view.read({}, [], {}).groups[0].view, "ledger:lost")
    redis_users.apply(users)
    with viewing(users.redis_url_worker) as view:
        assert view.adopt(0, view.read({}, [], {}).groups[0].view, "ledger:found")


def test_who_may_make_no_users_is_told_whose_address_is_needed(users: Settings) -> None:
    with pytest.raises(Misuse, match=r"neither load functions nor make users.*operator"):
        redis_users.apply(users.model_copy(update={"redis_url": users.redis_url_worker}))


def test_an_address_without_a_name_is_refused(users: Settings) -> None:
    with pytest.raises(BadSetting, match="REDIS_URL_WORKER names no user"):
        redis_users.apply(users.model_copy(update={"redis_url_worker": "redis://127.0.0.1/0"}))
