"""The proxy between a worker and a store passes everything on, until it is told not to."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from load.chaos.proxy import PASS, Behaviour, FaultProxy

pytestmark = pytest.mark.enable_socket

PATIENCE_S = 10.0
SILENCE_S = 0.3


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_answer, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _answer(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy(echo: int) -> Iterator[tuple[FaultProxy, int]]:
    found = FaultProxy("127.0.0.1", echo)
    port = found.start()
    yield found, port
    found.stop()


@contextmanager
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as found:
        yield found


def said_back(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    got = b""
    while len(got) < len(data):
        chunk = connection.recv(65536)
        if not chunk:
            break
        got += chunk
    return got


def hear_from(port: int) -> bytes:
    """A reset may come while the connection is made, or after it."""
    with client(port) as connection:
        return connection.recv(1)


def test_bytes_pass_both_ways(proxy: tuple[FaultProxy, int]) -> None:
    with client(proxy[1]) as connection:
        assert said_back(connection, b"x" * 100_000) == b"x" * 100_000


def test_a_half_open_connection_says_nothing_and_stays(proxy: tuple[FaultProxy, int]) -> None:
    with client(proxy[1]) as connection:
        assert said_back(connection, b"before") == b"before"
        proxy[0].behave(Behaviour(half_open=True))
        connection.sendall(b"swallowed")
        connection.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_what_was_swallowed_is_never_sent_later(proxy: tuple[FaultProxy, int]) -> None:
    with client(proxy[1]) as connection:
        assert said_back(connection, b"before") == b"before"
        proxy[0].behave(Behaviour(half_open=True))
        connection.sendall(b"swallowed")
        connection.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy[0].behave(PASS)
        connection.settimeout(PATIENCE_S)
        assert said_back(connection, b"after") == b"after"


def test_a_connection_is_reset_after_so_many_bytes(proxy: tuple[FaultProxy, int]) -> None:
    proxy[0].behave(Behaviour(cut_after_bytes=10))
    with client(proxy[1]) as connection:
        assert said_back(connection, b"12345") == b"12345"
        connection.sendall(b"67890abcdef")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert proxy[0].resets == 1


def test_new_connections_are_refused_when_told_so(proxy: tuple[FaultProxy, int]) -> None:
    proxy[0].behave(Behaviour(refuse=True))
    with pytest.raises(ConnectionResetError):
        hear_from(proxy[1])


def test_all_connections_are_cut_at_once(proxy: tuple[FaultProxy, int]) -> None:
    with client(proxy[1]) as one, client(proxy[1]) as other:
        assert said_back(one, b"one") == b"one"
        assert said_back(other, b"other") == b"other"
        proxy[0].cut_all()
        for connection in (one, other):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    assert proxy[0].resets == 2


def test_a_client_sees_a_reset_where_the_server_is_away(echo: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    proxy = FaultProxy("127.0.0.1", nobody)
    port = proxy.start()
    try:
        with pytest.raises(ConnectionResetError):
            hear_from(port)
    finally:
        proxy.stop()
