"""Requests and answers over connections that are none: what is written is kept, what comes is given."""

import asyncio

import numpy as np

from load.bench.http_line import LOST, NOT_SENT, Connection, Line, post_request

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


class Wire(asyncio.Transport):
    """What one connection has written."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.connection = Connection(line)
        self.connection.connection_made(self)

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.written.append(data)

    def abort(self) -> None:
        self.connection.connection_lost(None)

    def close(self) -> None:
        self.connection.connection_lost(None)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def line_of(count: int) -> tuple[Line, Clock]:
    clock = Clock()
    return Line([b"%d" % number for number in range(count)], clock), clock


def test_a_request_goes_out_at_once_where_a_connection_is_free() -> None:
    line, clock = line_of(1)
    wire = Wire(line)
    line.send(0)
    assert wire.written == [b"0"]
    clock.now_s = 0.25
    wire.connection.data_received(ANSWER)
    assert (line.told_s.tolist(), line.status.tolist()) == ([0.25], [200])


def test_an_answer_in_pieces_is_told_with_its_last_one() -> None:
    line, clock = line_of(1)
    wire = Wire(line)
    line.send(0)
    for byte in range(len(ANSWER)):
        clock.now_s += 1
        wire.connection.data_received(ANSWER[byte : byte + 1])
    assert line.told_s.tolist() == [len(ANSWER)]


def test_what_finds_no_connection_waits_in_order() -> None:
    line, _ = line_of(3)
    wire = Wire(line)
    for index in range(3):
        line.send(index)
    assert wire.written == [b"0"]
    wire.connection.data_received(ANSWER)
    wire.connection.data_received(REFUSAL)
    assert wire.written == [b"0", b"1", b"2"]
    assert line.status.tolist() == [200, 503, NOT_SENT]


def test_connections_take_turns() -> None:
    line, _ = line_of(4)
    wires = [Wire(line), Wire(line)]
    for index in range(4):
        line.send(index)
        wires[index % 2].connection.data_received(ANSWER)
    assert [wire.written for wire in wires] == [[b"0", b"2"], [b"1", b"3"]]


def test_a_request_whose_connection_breaks_is_lost_and_the_others_go_on() -> None:
    line, _ = line_of(2)
    first, second = Wire(line), Wire(line)
    line.send(0)
    first.connection.connection_lost(None)
    line.send(1)
    assert second.written == [b"1"]
    second.connection.data_received(ANSWER)
    assert line.status.tolist() == [LOST, 200]
    assert np.isnan(line.told_s[0])


def test_a_free_connection_that_breaks_is_not_used_again() -> None:
    line, _ = line_of(1)
    first, second = Wire(line), Wire(line)
    first.connection.connection_lost(None)
    line.send(0)
    assert (first.written, second.written) == ([], [b"0"])


def test_what_is_no_http_breaks_its_connection() -> None:
    line, _ = line_of(1)
    wire = Wire(line)
    line.send(0)
    wire.connection.data_received(b"not http\r\n\r\n")
    assert line.status.tolist() == [LOST]


def test_it_is_drained_when_everything_is_answered_or_lost() -> None:
    line, _ = line_of(2)
    first, second = Wire(line), Wire(line)
    line.send(0)
    line.send(1)

    async def drained() -> bool:
        waiting = asyncio.create_task(line.drained())
        await asyncio.sleep(0)
        first.connection.data_received(ANSWER)
        await asyncio.sleep(0)
        assert not waiting.done()
        second.connection.connection_lost(None)
        await waiting
        return True

    assert asyncio.run(drained())


def test_a_request_is_whole_http() -> None:
    head, body = post_request("here:1", "/v1/score", "a key", b'{"a":1}').split(b"\r\n\r\n")
    assert body == b'{"a":1}'
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/score HTTP/1.1"
    assert {"Host: here:1", "X-API-Key: a key", "Content-Length: 7"} <= set(lines)
