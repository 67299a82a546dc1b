"""Secrets are rotated while callers ask without pause: not one request fails, no secret is left anywhere."""

import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from psycopg import sql
from redis import Redis

from deploy.stack.waiting import until
from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import free_port, known_key, made_key, running_gateway, wait_until_known
from tests.e2e.replays import stack_with_models
from tests.e2e.rotations import (
    SOON_S,
    Callers,
    access,
    another_role,
    asking,
    assert_books_agree,
    going_on,
    put,
    running,
    sessions,
    settle,
    turn,
    unclaimed,
)
from tests.e2e.secret_traces import Trace
from tests.e2e.tls_fronts import TlsFront
from tests.integration.security.certificates import Authority

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]

SCOPES = ("score:write", "decisions:read", "keys:admin")
SENTENCE = "a sentence that only she knows"
ADDRESSES = ("DATABASE_URL_GATEWAY", "REDIS_URL_GATEWAY", "DATABASE_URL_WORKER", "REDIS_URL_WORKER")
USED: list[str] = []


@pytest.fixture(scope="module")
def fraudml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """On a stack of its own: keys of an old pepper open nothing afterwards."""
    folder = tmp_path_factory.mktemp("rotated")
    with stack_with_models(folder, None, "--no-reconciler", "--no-gateway", "--workers", "0") as line:
        yield line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of secrets, and the logs of processes that are not the stack's."""
    return tmp_path_factory.mktemp("held")


@pytest.fixture(scope="module")
def held(fraudml: CommandLine, folder: Path) -> dict[str, Path]:
    """By setting, the file that holds the address of a role."""
    found = {name: folder / name for name in ADDRESSES}
    for name, file in found.items():
        put(file, fraudml.stack.env()[name])
    return found


def told_of(held: Mapping[str, Path], role: str) -> dict[str, str]:
    return {f"{name}_FILE": str(file) for name, file in held.items() if name.endswith(role)}


@pytest.fixture(scope="module")
def worker(fraudml: CommandLine, held: dict[str, Path], folder: Path) -> Iterator[int]:
    """The one that goes on through all of it."""
    with running(fraudml, "worker", folder / "worker.log", told_of(held, "WORKER")) as pid:
        yield pid


@pytest.fixture
def gateway(fraudml: CommandLine, worker: int, held: dict[str, Path], folder: Path) -> Iterator[str]:
    with running_gateway(fraudml, folder / "gateway.log", told_of(held, "GATEWAY")) as address:
        yield address


def key_for(fraudml: CommandLine, gateway: str) -> str:
    USED.append(key := known_key(fraudml, gateway, *SCOPES))
    return key


def moved(held: Mapping[str, Path], name: str, address: str) -> None:
    """Another address in place of the one of before; both are secrets."""
    USED.extend((password_of(held[name].read_text()), password_of(address)))
    put(held[name], address)


def password_of(address: str) -> str:
    return str(httpx.URL(address).password)


def test_the_pepper_is_rotated_without_a_failed_request(fraudml: CommandLine, gateway: str) -> None:
    old = key_for(fraudml, gateway)
    with asking(gateway, old) as callers:
        turn(fraudml, "key-pepper")
        settle()
        new = made_key(fraudml, *SCOPES)
        wait_until_known(gateway, new)
        callers.key = new
    assert callers.failures == []
    (fraudml.home / "secrets" / "key-pepper-previous").unlink()
    until(lambda: status(gateway, old) == 401, within_s=SOON_S)
    assert status(gateway, new) == 404


def status(gateway: str, key: str) -> int:
    return httpx.get(f"{gateway}/v1/decisions/none", headers={"X-API-Key": key}).status_code


def test_the_answer_key_is_rotated_without_a_failed_request_or_a_refused_answer(
    fraudml: CommandLine, gateway: str
) -> None:
    with asking(gateway, key_for(fraudml, gateway)) as callers:
        turn(fraudml, "answer-key")
        settle()
    assert callers.failures == []
    until(lambda: unclaimed(fraudml) == 0, within_s=SOON_S)
    found = fraudml.json("reconcile", "--json")
    assert found["checks"]["answers"]["findings"] == 0
    assert found["answers"]["refused"] == 0
    assert found["answers"]["signed"] > 0
    (fraudml.home / "secrets" / "answer-key-previous").unlink()


@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_a_password_of_the_database_is_rotated_without_a_failed_request(
    role: str, fraudml: CommandLine, gateway: str, held: dict[str, Path]
) -> None:
    name, user = f"DATABASE_URL_{role.upper()}", f"{role}_{secrets.token_hex(4)}"
    address = another_role(fraudml.stack.env()[name], user)
    with asking(gateway, key_for(fraudml, gateway)) as callers:
        assert f"new: {user}" in access(fraudml, **{name: address})
        moved(held, name, address)
        until(lambda: sessions(fraudml, user) > 0, within_s=SOON_S)
        callers.go_on()
    assert callers.failures == []
    assert_books_agree(fraudml)
    with psycopg.connect(fraudml.stack.env()["DATABASE_URL"]) as owner:
        owner.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(user)))
    put(held[name], fraudml.stack.env()[name])


@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_a_password_of_redis_is_rotated_without_a_failed_request(
    role: str, fraudml: CommandLine, gateway: str, held: dict[str, Path]
) -> None:
    name, user = f"REDIS_URL_{role.upper()}", f"{role}-{secrets.token_hex(4)}"
    address = another_role(held[name].read_text(), user)
    with (
        Redis.from_url(fraudml.stack.env()["REDIS_URL"], decode_responses=True) as operator,
        asking(gateway, key_for(fraudml, gateway)) as callers,
    ):
        access(fraudml, **{name: address})
        moved(held, name, address)
        assert operator.client_kill_filter(user=role, skipme=True) > 0
        assert operator.acl_deluser(role) == 1
        until(lambda: user in users_of(operator), within_s=SOON_S)
        callers.go_on()
        assert role not in users_of(operator)
        assert callers.failures == []
    assert_books_agree(fraudml)
    access(fraudml)  # the stack's own user is there again
    put(held[name], fraudml.stack.env()[name])


def users_of(operator: "Redis") -> set[str]:
    return {each["user"] for each in operator.client_list()}


class Person(Callers):
    """Somebody who signs in at the monitor again and again, which asks the gateway each time."""

    def ask(self) -> httpx.Response:
        (monitor,) = self.addresses
        form = {"name": "rita", "password": SENTENCE, "next": "/"}
        return httpx.post(f"{monitor}/sign-in", data=form, headers={"Origin": monitor}, timeout=10)


def test_the_monitors_key_is_rotated_without_a_failed_request(
    fraudml: CommandLine, gateway: str, folder: Path
) -> None:
    fraudml.ok("users", "create", "rita", "--role", "viewer", stdin=SENTENCE + "\n")
    old = known_key(fraudml, gateway, "users:act")
    put(file := folder / "monitor-key", old)
    port, told = free_port(), {"FRAUDML_MONITOR_KEY_FILE": str(file)}
    monitor = f"http://127.0.0.1:{port}"
    command = f"monitor --port {port} --gateway {gateway}"
    with running(fraudml, command, folder / "monitor.log", told):
        until(lambda: answers(f"{monitor}/healthz"), within_s=SOON_S)
        with going_on(Person([monitor], "")) as person:
            rotated = fraudml.ok("keys", "rotate", old.split("_")[2], "--overlap-hours", "1")
            new = rotated.stdout.strip()
            wait_until_known(gateway, new)
            put(file, new)
            fraudml.ok("keys", "revoke", old.split("_")[2], "--why", "rotated")
            until(lambda: status(gateway, old) == 401, within_s=SOON_S)
        assert person.failures == []
        assert set(person.answers) == {303}
    USED.extend((old, new))


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def fronts(fraudml: CommandLine, tmp_path: Path) -> Iterator[dict[str, TlsFront]]:
    """TLS before both stores, with certificates of a first authority."""
    pair = Authority(tmp_path, "first").issue("server")
    env = fraudml.stack.env()
    found = {
        name: TlsFront(httpx.URL(env[name]).netloc.decode().rpartition("@")[2], pair, postgres=postgres)
        for name, postgres in (("DATABASE_URL_GATEWAY", True), ("REDIS_URL_GATEWAY", False))
    }
    yield found
    for front in found.values():
        front.stop()


def test_certificates_of_postgres_and_redis_are_rotated_without_a_failed_request(
    fraudml: CommandLine, worker: int, folder: Path, fronts: dict[str, TlsFront], tmp_path: Path
) -> None:
    """The authority too: both in the file, then the servers' certificates, then the new one alone."""
    believed, second = tmp_path / "believed.pem", Authority(tmp_path, "second")
    believed.write_bytes((tmp_path / "first.pem").read_bytes())
    env, ports = fraudml.stack.env(), {name: front.start() for name, front in fronts.items()}
    for name, query in (
        ("DATABASE_URL_GATEWAY", f"?sslmode=verify-full&sslrootcert={believed}"),
        ("REDIS_URL_GATEWAY", ""),
    ):
        url = httpx.URL(env[name]).copy_with(port=ports[name])
        put(tmp_path / name, str(url).replace("redis://", "rediss://") + query)
    told = {f"{name}_FILE": str(tmp_path / name) for name in fronts}
    told |= {"FRAUDML_REDIS_CA_FILE": str(believed), "REDIS_URL": "rediss://127.0.0.1:1/0"}
    told |= dict.fromkeys(("REDIS_URL_WORKER", "REDIS_URL_AUDITOR"), "rediss://127.0.0.1:1/0")
    with running_gateway(fraudml, folder / "gateway.log", told) as gateway:
        with asking(gateway, key_for(fraudml, gateway)) as callers:
            believed.write_bytes((tmp_path / "first.pem").read_bytes() + second.file.read_bytes())
            pair = second.issue("server-2")
            for front in fronts.values():
                front.show(pair)
                assert front.cut() > 0
            callers.go_on()
            believed.write_bytes(second.file.read_bytes())
            for front in fronts.values():
                assert front.cut() > 0
            callers.go_on()
        assert callers.failures == []
    assert_books_agree(fraudml)


def test_no_secret_is_left_in_arguments_environments_logs_or_what_commands_show(
    fraudml: CommandLine, gateway: str, worker: int, held: dict[str, Path], folder: Path
) -> None:
    """Those of the home, those that were rotated above, and those in the files of what runs."""
    values = {*USED, *(password_of(file.read_text()) for file in held.values())}
    values |= {file.read_text().strip() for file in (fraudml.home / "secrets").iterdir()}
    assert len(values) > 10
    trace = Trace(values)
    ours = {worker, *(each.pid for each in psutil.Process().children(recursive=True))}
    assert trace.in_files((fraudml.home / "secrets").iterdir()), "what is there is found"
    assert Trace({str(fraudml.home)}).in_environments(ours), "environments can be read"
    assert trace.in_arguments() == []
    assert trace.in_environments(ours) == []
    logs = [*(fraudml.home / "logs").iterdir(), *folder.glob("*.log")]
    assert len(logs) > 5
    assert trace.in_files(logs) == []
    for words in (("config",), ("config", "--json"), ("status", "--json"), ("keys", "list", "--json")):
        assert trace.in_text(fraudml.ok(*words).stdout) == []
    assert trace.in_text(printed_settings(fraudml, told_of(held, "WORKER"))) == []


def printed_settings(fraudml: CommandLine, told: dict[str, str]) -> str:
    """As a traceback or a debugger would show them."""
    program = "from streams.settings import read_settings as r; print(r(), repr(r()), str(r()))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=fraudml.environment | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "database_url_worker" in done.stdout
    return done.stdout
