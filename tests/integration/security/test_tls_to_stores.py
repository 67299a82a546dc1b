"""TLS to a real Postgres and a real Redis: whom we believe, whom we refuse, and what is said then."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from api.limits import SharedLimit
from deploy.access import redis_users
from deploy.doctor import redis_servers, stores
from deploy.stack.stack import migrate_to_newest
from deploy.stack.temporary import own_settings
from deploy.stack.waiting import until
from models.errors import LedgerUnavailable, ViewUnavailable
from streams.ledger.connection import Connector
from streams.settings import Settings
from streams.view import RedisView
from tests.integration.security.certificates import Authority
from tests.integration.security.tls_servers import (
    OLD_TLS_OF_POSTGRES,
    OLD_TLS_OF_REDIS,
    PASSWORD,
    TlsServer,
    tls_cluster,
    tls_postgres,
    tls_redis,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TIMEOUT_S = 5.0
CHECK_POSTGRES = r"Next: check sslmode, sslrootcert and the host in DATABASE_URL"
CHECK_REDIS = r"Next: check FRAUDML_REDIS_CA_FILE, the host in REDIS_URL"
ASKS_FOR_TLS = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def postgres(authority: Authority) -> Iterator[TlsServer]:
    with tls_postgres(authority.issue("postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def redis(authority: Authority) -> Iterator[TlsServer]:
    with tls_redis(authority.issue("redis")) as server:
        yield server


def ledger_at(server: TlsServer, authority: Path, mode: str = "verify-full") -> str:
    tls = f"sslmode={mode}&sslrootcert={authority}"
    return f"postgresql://owner:{PASSWORD}@127.0.0.1:{server.port}/postgres?{tls}"


def view_at(server: TlsServer, authority: Path, tmp_path: Path) -> Settings:
    """As a process is told: the authority by its setting."""
    return own_settings(
        tmp_path, redis_url=f"rediss://:{PASSWORD}@127.0.0.1:{server.port}/0", redis_ca_file=authority
    )


def speak(url: str) -> None:
    """What every user of the ledger does first; one without a schema is refused after TLS."""
    connector = Connector(url, TIMEOUT_S, "tests")
    with closing(connector), connector.use() as connection:
        connection.execute("SELECT 1")


def look(url: str) -> None:
    with closing(RedisView(url, TIMEOUT_S)) as found:
        found.read({}, [], {})


def test_a_postgres_that_our_authority_has_signed_is_migrated_and_used(
    postgres: TlsServer, authority: Authority, tmp_path: Path
) -> None:
    url = ledger_at(postgres, authority.file)
    settings = own_settings(tmp_path, database_url=url)
    migrate_to_newest(settings)
    speak(url)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert row in (("TLSv1.2",), ("TLSv1.3",))
    assert {finding.level for finding in stores.ledger(settings)} == {"OK"}


def test_a_redis_that_our_authority_has_signed_is_used(
    redis: TlsServer, authority: Authority, tmp_path: Path
) -> None:
    settings = view_at(redis, authority.file, tmp_path)
    redis_users.apply(settings)
    look(settings.redis_url)
    assert asyncio.run(counted(settings.redis_url)) == 1


def test_a_cluster_that_our_authority_has_signed_is_used_and_believed_anew(
    authority: Authority, other: Authority, believed: Path, tmp_path: Path
) -> None:
    with tls_cluster(authority.issue("before")) as server:
        alone = f"rediss://:{PASSWORD}@127.0.0.1:{server.port}/0"
        settings = own_settings(
            tmp_path, redis_url=alone.replace("rediss:", "rediss+cluster:"), redis_ca_file=believed
        )
        redis_users.apply(settings)
        view, limit = RedisView(settings.redis_url, TIMEOUT_S), SharedLimit(settings.redis_url, TIMEOUT_S)
        with asyncio.Runner() as runner, closing(view):
            view.read({}, [], {})
            assert runner.run(limit.ask("tls", 10))[0].remaining == 9
            show_anew(server, f"{alone}?ssl_ca_certs={believed}", other.issue("after"))
            for call in (lambda: view.read({}, [], {}), lambda: runner.run(limit.ask("tls", 10))):
                with pytest.raises(ViewUnavailable):
                    call()
            with pytest.raises(ViewUnavailable, match=f"CERTIFICATE_VERIFY_FAILED.*{CHECK_REDIS}") as refused:
                look(settings.redis_url)
            assert_one_line(refused.value)
            believed.write_bytes(other.file.read_bytes())
            view.read({}, [], {})
            # Of its connections that were ended, each is found out by a call.
            assert until(lambda: runner.run(limit.ask("tls", 10)), within_s=TIMEOUT_S)[0].remaining == 8
            runner.run(limit.close())


async def counted(url: str) -> int:
    """How often one key has asked a limit of its own."""
    limit = SharedLimit(url, TIMEOUT_S)
    try:
        return 10 - (await limit.ask("tls", 10))[0].remaining
    finally:
        await limit.close()


def test_a_postgres_of_another_authority_is_refused_in_one_line(postgres: TlsServer, tmp_path: Path) -> None:
    other = ledger_at(postgres, Authority(tmp_path, "other").file)
    with pytest.raises(LedgerUnavailable, match=f"certificate verify failed.*{CHECK_POSTGRES}") as refused:
        speak(other)
    assert_one_line(refused.value)
    (finding,) = stores.ledger(own_settings(tmp_path, database_url=other))
    assert "sslrootcert" in finding.fix
    with pytest.raises(LedgerUnavailable, match=CHECK_POSTGRES) as refused:
        migrate_to_newest(own_settings(tmp_path, database_url=other))
    assert_one_line(refused.value)


def assert_one_line(error: Exception) -> None:
    assert "\n" not in str(error)
    assert PASSWORD not in str(error)


def test_a_redis_of_another_authority_is_refused_in_one_line(redis: TlsServer, tmp_path: Path) -> None:
    settings = view_at(redis, Authority(tmp_path, "other").file, tmp_path)
    with pytest.raises(ViewUnavailable, match=f"CERTIFICATE_VERIFY_FAILED.*{CHECK_REDIS}") as refused:
        look(settings.redis_url)
    assert_one_line(refused.value)
    (finding,) = redis_servers.view(settings)
    assert "FRAUDML_REDIS_CA_FILE" in finding.fix
    with pytest.raises(ViewUnavailable, match=CHECK_REDIS):
        redis_users.apply(settings)
    with pytest.raises(ViewUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(counted(settings.redis_url))


def test_a_postgres_whose_certificate_has_expired_or_is_of_another_host_is_refused(
    authority: Authority,
) -> None:
    with tls_postgres(authority.issue("late", -1)) as server:
        url = ledger_at(server, authority.file)
        with pytest.raises(LedgerUnavailable, match=f"certificate verify failed.*{CHECK_POSTGRES}"):
            speak(url)
        show(server, authority.issue("elsewhere", host="elsewhere.example"))
        with pytest.raises(LedgerUnavailable, match=f"does not match host name.*{CHECK_POSTGRES}"):
            speak(url)


def show(server: TlsServer, pair: tuple[Path, Path]) -> None:
    """Replace the certificate of a running Postgres."""
    server.hold(pair)
    url = f"postgresql://owner:{PASSWORD}@127.0.0.1:{server.port}/postgres?sslmode=require"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("days", "host", "why"),
    [(-1, "localhost", "certificate has expired"), (1, "elsewhere.example", "IP address mismatch")],
    ids=["expired", "another host"],
)
def test_a_redis_with_a_certificate_that_does_not_hold_is_refused(
    days: int, host: str, why: str, authority: Authority, tmp_path: Path
) -> None:
    with tls_redis(authority.issue("bad-redis", days, host)) as server:
        settings = view_at(server, authority.file, tmp_path)
        with pytest.raises(ViewUnavailable, match=f"{why}.*{CHECK_REDIS}") as refused:
            look(settings.redis_url)
        assert_one_line(refused.value)


def test_a_postgres_that_speaks_tls_1_1_is_refused(authority: Authority) -> None:
    with tls_postgres(authority.issue("old-postgres"), *OLD_TLS_OF_POSTGRES) as server:
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as asking:
            asking.sendall(ASKS_FOR_TLS)
            assert asking.recv(1) == b"S"
            assert spoken_with_old(asking) == "TLSv1.1"
        with pytest.raises(LedgerUnavailable, match=f"protocol version.*{CHECK_POSTGRES}"):
            speak(ledger_at(server, authority.file))


def test_a_redis_that_speaks_tls_1_1_is_refused(authority: Authority, tmp_path: Path) -> None:
    with tls_redis(authority.issue("old-redis"), *OLD_TLS_OF_REDIS) as server:
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as asking:
            assert spoken_with_old(asking) == "TLSv1.1"
        settings = view_at(server, authority.file, tmp_path)
        with pytest.raises(ViewUnavailable, match=f"protocol.*{CHECK_REDIS}"):
            look(settings.redis_url)
        with pytest.raises(ViewUnavailable, match=r"\[SSL"):
            asyncio.run(counted(settings.redis_url))


def spoken_with_old(connection: socket.socket) -> str | None:
    """The version that the server speaks with a client that would take the old ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with context.wrap_socket(connection) as wrapped:
        return wrapped.version()


@pytest.fixture
def believed(authority: Authority, tmp_path: Path) -> Path:
    """A file that names the authority, until a test writes another one into it."""
    file = tmp_path / "believed.pem"
    file.write_bytes(authority.file.read_bytes())
    return file


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "new")


def test_another_authority_of_postgres_is_believed_without_a_restart(
    authority: Authority, other: Authority, believed: Path, tmp_path: Path
) -> None:
    with tls_postgres(authority.issue("before")) as server:
        url = ledger_at(server, believed, mode="verify-ca")
        migrate_to_newest(own_settings(tmp_path, database_url=url))
        connector = Connector(url, TIMEOUT_S, "tests")
        with closing(connector):
            with connector.use() as open_one:
                show(server, other.issue("after"))
                assert open_one.execute("SELECT 1").fetchone() == (1,)
            connector.close()
            with pytest.raises(LedgerUnavailable, match="certificate verify failed"), connector.use():
                pass
            believed.write_bytes(other.file.read_bytes())
            with connector.use() as again:
                assert again.execute("SELECT 1").fetchone() == (1,)


def test_another_authority_of_redis_is_believed_without_a_restart(
    authority: Authority, other: Authority, believed: Path, tmp_path: Path
) -> None:
    """By a worker's client, and by the one that counts limits on an event loop."""
    with tls_redis(authority.issue("before")) as server:
        settings = view_at(server, believed, tmp_path)
        redis_users.apply(settings)
        view, limit = RedisView(settings.redis_url, TIMEOUT_S), SharedLimit(settings.redis_url, TIMEOUT_S)
        with asyncio.Runner() as runner, closing(view):
            view.read({}, [], {})
            runner.run(limit.ask("tls", 10))
            show_anew(server, settings.redis_url, other.issue("after"))
            with pytest.raises(ViewUnavailable):
                view.read({}, [], {})
            with pytest.raises(ViewUnavailable):
                runner.run(limit.ask("tls", 10))
            believed.write_bytes(other.file.read_bytes())
            view.read({}, [], {})
            assert runner.run(limit.ask("tls", 10))[0].remaining == 8
            runner.run(limit.close())


def show_anew(server: TlsServer, url: str, pair: tuple[Path, Path]) -> None:
    """Replace the certificate of a running Redis, and end the connections that rest on the one of before."""
    with Redis.from_url(url) as operator:
        server.hold(pair)
        certificate, key = server.files
        operator.config_set("tls-cert-file", str(certificate), "tls-key-file", str(key))
        operator.client_kill_filter(_type="normal", skipme=True)
