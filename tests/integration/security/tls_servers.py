"""Postgres and Redis that speak TLS: the distribution's own, as the embedded ones are built without it."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from redis import Redis

from deploy.stack.account import Account, choose_account
from deploy.stack.ports import LOCALHOST, assign
from deploy.stack.waiting import until

PASSWORD = "a-password-of-tests"
READY_WITHIN_S = 30.0
STOP_WITHIN_S = 20.0
# What servers are told to speak a version that ours must refuse.
OLD_TLS_OF_POSTGRES = (
    "ssl_min_protocol_version=TLSv1.1",
    "ssl_max_protocol_version=TLSv1.1",
    "ssl_ciphers=ALL:@SECLEVEL=0",
)
OLD_TLS_OF_REDIS = ("--tls-protocols", "TLSv1.1", "--tls-ciphers", "ALL:@SECLEVEL=0")

Pair = tuple[Path, Path]


@dataclass
class TlsServer:
    """A server that shows the certificate of its file. folder: its own."""

    folder: Path
    account: Account
    port: int
    process: "subprocess.Popen[bytes]" = field(init=False)

    @property
    def files(self) -> Pair:
        return self.folder / "server.crt", self.folder / "server.key"

    def hold(self, pair: Pair) -> None:
        """Put this certificate and its key in place of what is there."""
        for file, place in zip(pair, self.files, strict=True):
            shutil.copyfile(file, place)
            place.chmod(0o600)
            self.account.own(place)

    def start(self, command: Sequence[str], answers: Callable[[], bool]) -> None:
        self.process = subprocess.Popen(self.account.command(command), cwd="/")
        try:
            until(answers, within_s=READY_WITHIN_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def _place(kind: str, pair: Pair) -> Iterator[TlsServer]:
    """Where a server may live: pytest's own folders are root's, and Postgres is never root."""
    account = choose_account()
    with tempfile.TemporaryDirectory(prefix="fraudml-tls-") as folder:
        account.own(Path(folder))
        server = TlsServer(Path(folder), account, assign([kind], {}, given={}).ports[kind])
        server.hold(pair)
        yield server


@contextmanager
def tls_postgres(pair: Pair, *settings: str) -> Iterator[TlsServer]:
    """Who comes without TLS is refused. The superuser is called owner."""
    binaries = postgres_binaries()
    with _place("postgres", pair) as server:
        data = _cluster(server, binaries)
        certificate, key = server.files
        told = (
            *(
                f"port={server.port}",
                f"listen_addresses={LOCALHOST}",
                "unix_socket_directories=",
            ),
            *("logging_collector=on", f"log_directory={server.folder}"),
            *("ssl=on", f"ssl_cert_file={certificate}", f"ssl_key_file={key}", *settings),
        )
        words = [word for each in told for word in ("-c", each)]
        server.start((str(binaries / "postgres"), "-D", str(data), *words), lambda: _postgres_is_up(server))
        try:
            yield server
        finally:
            server.stop()


def postgres_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else _missing("Postgres", "postgresql")


def _cluster(server: TlsServer, binaries: Path) -> Path:
    data, told = server.folder / "data", server.folder / "password"
    told.write_text(PASSWORD)
    server.account.own(told)
    make = ("--username=owner", "--auth=scram-sha-256", f"--pwfile={told}", "--no-sync", f"--pgdata={data}")
    command = server.account.command((str(binaries / "initdb"), *make))
    subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/")
    (data / "pg_hba.conf").write_text(f"hostssl all all {LOCALHOST}/32 scram-sha-256\n")
    return data


def _postgres_is_up(server: TlsServer) -> bool:
    """It tells whoever comes too early so; whoever speaks another TLS hears of that."""
    address = f"postgresql://owner:{PASSWORD}@{LOCALHOST}:{server.port}/postgres?sslmode=require"
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return "SSL error" in str(error)
    return True


@contextmanager
def tls_redis(pair: Pair, *options: str) -> Iterator[TlsServer]:
    """It listens with TLS alone, and asks clients for a password instead of a certificate."""
    binary = shutil.which("redis-server") or _missing("Redis", "redis-server")
    with _place("redis", pair) as server:
        certificate, key = server.files
        told = (
            *("--bind", LOCALHOST, "--port", "0", "--tls-port", str(server.port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", str(certificate), "--tls-key-file", str(key)),
            *("--tls-ca-cert-file", str(certificate), "--save", "", "--requirepass", PASSWORD),
            *("--dir", str(server.folder), "--logfile", str(server.folder / "log"), *options),
        )
        server.start((binary, *told), lambda: _listens(server))
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def tls_cluster(pair: Pair) -> Iterator[TlsServer]:
    """A cluster of one node, which therefore holds every slot."""
    with tls_redis(pair, "--cluster-enabled", "yes", "--tls-cluster", "yes") as server:
        operator = Redis(
            port=server.port, password=PASSWORD, ssl=True, ssl_cert_reqs="none", socket_timeout=READY_WITHIN_S
        )
        with operator:
            operator.cluster("ADDSLOTSRANGE", 0, 16383)
            until(lambda: operator.cluster("INFO")["cluster_state"] == "ok", within_s=READY_WITHIN_S)
        yield server


def _listens(server: TlsServer) -> bool:
    with socket.socket() as asking:
        asking.settimeout(2)
        return asking.connect_ex((LOCALHOST, server.port)) == 0


def _missing(what: str, package: str) -> NoReturn:
    """The checks before a merge have it; elsewhere its tests are skipped."""
    if os.environ.get("CI"):
        pytest.fail(f"no {what} that speaks TLS: .ci/run installs {package}")
    pytest.skip(f"no {what} that speaks TLS is installed: the package {package}")
