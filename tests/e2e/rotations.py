"""Those who ask without pause while secrets change beneath them, and how secrets are changed."""

import os
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from deploy.stack.waiting import until
from models.shared_key import EVERY_S, SETTLED_AFTER_S
from tests.e2e.command_line import PROGRAM, CommandLine

PAUSE_S = 0.05
SOON_S = 60.0
STOP_WITHIN_S = 30.0


@dataclass
class Callers:
    """One who asks without pause, each time something of its own.

    addresses: of the gateways that may answer; one that lets nobody in is passed over for the next.
    """

    addresses: list[str]
    key: str
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    stop: Event = field(default_factory=Event)

    @property
    def answered(self) -> int:
        return sum(self.answers.values())

    def run(self) -> None:
        while not self.stop.wait(PAUSE_S):
            try:
                answer = self.ask()
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
                continue
            self.answers[answer.status_code] += 1
            if answer.is_error:
                self.failures.append(f"{answer.status_code} {answer.text[:200]}")

    def ask(self) -> httpx.Response:
        """Have a transaction decided."""
        asked, headers = payment(), {"X-API-Key": self.key}
        last = httpx.ConnectError("nobody to ask")
        for address in list(self.addresses):
            try:
                return httpx.post(f"{address}/v1/score", json=asked, headers=headers, timeout=10)
            except httpx.ConnectError as error:
                last = error
        raise last

    def go_on(self, times: int = 50) -> None:
        """Wait for so many answers more."""
        before = self.answered
        until(lambda: self.answered >= before + times, within_s=SOON_S)


def payment() -> dict[str, object]:
    name = f"rotation-{secrets.token_hex(8)}"
    return {
        "transaction_id": name,
        "customer_id": f"c-{name[-2:]}",
        "terminal_id": f"t-{name[-1:]}",
        "amount_minor": 1250,
        "currency": "EUR",
        "event_time": datetime.now(UTC).isoformat(),
    }


@contextmanager
def asking(address: str, key: str) -> Iterator[Callers]:
    with going_on(Callers([address], key)) as callers:
        yield callers


@contextmanager
def going_on(callers: Callers) -> Iterator[Callers]:
    thread = Thread(target=callers.run, daemon=True)
    thread.start()
    try:
        callers.go_on(10)
        yield callers
        callers.go_on(10)
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


@contextmanager
def running(fraudml: CommandLine, command: str, log: Path, told: Mapping[str, str]) -> Iterator[int]:
    """A process of ours until the end; its id. It must not have ended by itself."""
    words = [str(PROGRAM), *command.split()]
    with (
        log.open("ab") as file,
        subprocess.Popen(words, env=fraudml.environment | dict(told), stderr=file, stdout=file) as process,
    ):
        try:
            yield process.pid
            assert process.poll() is None, log.read_text()[-4000:]
        finally:
            process.terminate()
            process.wait(STOP_WITHIN_S)


def asked_of_ledger(fraudml: CommandLine, question: str, *values: str) -> int:
    with psycopg.connect(fraudml.stack.env()["DATABASE_URL"]) as connection:
        row = connection.execute(question.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def unclaimed(fraudml: CommandLine) -> int:
    """Decisions by REST whose records no worker has read yet."""
    return asked_of_ledger(fraudml, "SELECT count(*) FROM decisions WHERE incarnation IS NULL")


def sessions(fraudml: CommandLine, user: str) -> int:
    return asked_of_ledger(
        fraudml,
        "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND application_name LIKE 'fraudml-%%'",
        user,
    )


def assert_books_agree(fraudml: CommandLine) -> None:
    """Every record was read, and rows, view and alerts are what they must be."""
    until(lambda: unclaimed(fraudml) == 0, within_s=SOON_S)
    found = fraudml.json("reconcile", "--json")
    assert [name for name, check in found["checks"].items() if check["findings"]] == []
