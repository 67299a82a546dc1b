"""Secrets are rotated while callers ask without pause: not one request fails."""

import os
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from deploy.stack.waiting import until
from models.shared_key import EVERY_S, SETTLED_AFTER_S
from tests.e2e.command_line import PROGRAM, CommandLine
from tests.e2e.gateways import known_key, made_key, running_gateway, wait_until_known
from tests.e2e.replays import stack_with_models

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]

PAUSE_S = 0.05
SCOPES = ("score:write", "decisions:read", "keys:admin")
SOON_S = 60.0


@dataclass
class Callers:
    """One who asks for decisions without pause, each time about a transaction of its own."""

    address: str
    key: str
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    stop: Event = field(default_factory=Event)

    def run(self) -> None:
        while not self.stop.wait(PAUSE_S):
            name = f"rotation-{secrets.token_hex(8)}"
            asked = {
                "transaction_id": name,
                "customer_id": f"c-{name[-2:]}",
                "terminal_id": f"t-{name[-1:]}",
                "amount_minor": 1250,
                "currency": "EUR",
                "event_time": datetime.now(UTC).isoformat(),
            }
            try:
                answer = httpx.post(
                    f"{self.address}/v1/score", json=asked, headers={"X-API-Key": self.key}, timeout=10
                )
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
                continue
            self.answers[answer.status_code] += 1
            if not answer.is_success:
                self.failures.append(f"{answer.status_code} {answer.text[:200]}")


@contextmanager
def asking(address: str, key: str) -> Iterator[Callers]:
    callers = Callers(address, key)
    thread = Thread(target=callers.run, daemon=True)
    thread.start()
    try:
        until(lambda: sum(callers.answers.values()) >= 10, within_s=SOON_S)
        yield callers
        before = sum(callers.answers.values())
        until(lambda: sum(callers.answers.values()) >= before + 10, within_s=SOON_S)
    finally:
        callers.stop.set()
        thread.join(15)


def put(path: Path, text: str) -> None:
    """Whole, at once, for the eyes of its owner."""
    whole = path.with_name(f".{path.name}.new")
    whole.write_text(text)
    whole.chmod(0o600)
    if path.exists():
        os.chown(whole, path.stat().st_uid, path.stat().st_gid)
    whole.rename(path)


def turn(fraudml: CommandLine, name: str) -> None:
    """A secret of the home, and the one of before beside it."""
    path = fraudml.home / "secrets" / name
    previous = path.with_name(f"{name}-previous")
    put(previous, path.read_text())
    os.chown(previous, path.stat().st_uid, path.stat().st_gid)
    put(path, secrets.token_hex(24))


def settle() -> None:
    begun = time.monotonic()
    until(lambda: time.monotonic() - begun > EVERY_S + SETTLED_AFTER_S + 1, within_s=30)


def another_role(address: str, user: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=f"{user}:{secrets.token_hex(12)}@{parts.netloc.split('@')[1]}"))


@pytest.fixture(scope="module")
def fraudml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """On a stack of its own: keys of an old pepper open nothing afterwards."""
    folder = tmp_path_factory.mktemp("rotated")
    with stack_with_models(folder, None, "--no-reconciler", "--no-gateway") as line:
        yield line


@pytest.fixture
def address_file(fraudml: CommandLine, tmp_path: Path) -> Path:
    """Holds the address of a gateway's role."""
    path = tmp_path / "database-url"
    path.write_text(fraudml.stack.env()["DATABASE_URL_GATEWAY"])
    return path


@pytest.fixture
def gateway(fraudml: CommandLine, address_file: Path, tmp_path: Path) -> Iterator[str]:
    told = {"DATABASE_URL_GATEWAY_FILE": str(address_file)}
    with running_gateway(fraudml, tmp_path / "log", told) as address:
        yield address


def test_the_pepper_is_rotated_without_a_failed_request(fraudml: CommandLine, gateway: str) -> None:
    old = known_key(fraudml, gateway, *SCOPES)
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
    key = known_key(fraudml, gateway, *SCOPES)
    with asking(gateway, key) as callers:
        turn(fraudml, "answer-key")
        settle()
    assert callers.failures == []
    until(lambda: unclaimed(fraudml) == 0, within_s=SOON_S)
    found = fraudml.json("reconcile", "--json")
    assert found["checks"]["answers"]["findings"] == 0
    assert found["answers"]["refused"] == 0
    assert found["answers"]["signed"] > 0
    (fraudml.home / "secrets" / "answer-key-previous").unlink()


def unclaimed(fraudml: CommandLine) -> int:
    with psycopg.connect(fraudml.stack.env()["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT count(*) FROM decisions WHERE incarnation IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def test_a_password_of_the_database_is_rotated_without_a_failed_request(
    fraudml: CommandLine, gateway: str, address_file: Path
) -> None:
    key = known_key(fraudml, gateway, *SCOPES)
    user = f"gateway_{secrets.token_hex(4)}"
    address = another_role(fraudml.stack.env()["DATABASE_URL_GATEWAY"], user)
    with asking(gateway, key) as callers:
        assert f"new: {user}" in access(fraudml, DATABASE_URL_GATEWAY=address)
        put(address_file, address)
        until(lambda: sessions(fraudml, user) > 0, within_s=SOON_S)
        asked = sum(callers.answers.values())
        until(lambda: sum(callers.answers.values()) >= asked + 50, within_s=SOON_S)
    assert callers.failures == []
    with psycopg.connect(fraudml.stack.env()["DATABASE_URL"]) as owner:
        owner.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(user)))


def access(fraudml: CommandLine, **told: str) -> str:
    done = subprocess.run(
        [str(PROGRAM), "access"],
        env=fraudml.environment | told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def sessions(fraudml: CommandLine, user: str) -> int:
    with psycopg.connect(fraudml.stack.env()["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND application_name LIKE 'fraudml-%%'",
            [user],
        ).fetchone()
    assert row is not None
    return int(row[0])
