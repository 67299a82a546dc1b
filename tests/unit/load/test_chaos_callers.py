"""Callers ask as careful clients do: the same body again, at the next gateway, until they are told."""

import asyncio
from collections.abc import Callable
from random import Random

import httpx

from load.chaos.callers import CURIOUS, IMPATIENT, TRIES, Callers, Question
from load.chaos.heard import LOST

Handler = Callable[[httpx.Request], httpx.Response]


class Steady(Random):
    """Neither impatient nor curious."""

    def random(self) -> float:
        return max(IMPATIENT, CURIOUS)


async def no_time(seconds: float) -> None:
    """Lets others go on."""
    await asyncio.sleep(0)


def callers(*handlers: Handler, due: Callable[[], int] = lambda: 1000) -> Callers:
    def connect() -> list[httpx.AsyncClient]:
        return [
            httpx.AsyncClient(base_url="http://gateway", transport=httpx.MockTransport(handler))
            for handler in handlers
        ]

    return Callers(connect, due, Steady(1), sleep=no_time)


def answering(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"answer to " + request.content)


def dead(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset", request=request)


def busy(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, json={"code": "no_time_left"})


def test_a_caller_whose_gateway_is_dead_asks_the_next_one_the_same() -> None:
    found = callers(dead, answering, dead)
    found.run([Question("tx", b"body")])
    assert found.heard["tx"].answers == {b"answer to body": "ledger"}
    assert {reply.status for reply in found.replies} <= {LOST, 200}


def test_a_caller_gives_up_in_the_end_and_the_outcome_is_unknown() -> None:
    found = callers(busy)
    found.run([Question("tx", b"body")])
    assert not found.heard["tx"].settled
    assert [reply.code for reply in found.replies] == ["no_time_left"] * TRIES


def test_what_is_refused_is_not_asked_again() -> None:
    found = callers(lambda request: httpx.Response(422, json={"code": "currency"}))
    found.run([Question("tx", b"body")])
    assert found.heard["tx"].refused == "currency"
    assert len(found.replies) == 1


def test_a_reply_that_is_no_problem_document_says_so() -> None:
    found = callers(lambda request: httpx.Response(404, content=b"<html>"))
    found.run([Question("tx", b"body")])
    assert found.heard["tx"].refused == "no_problem_document"


def test_nobody_asks_before_it_is_due_and_none_after_they_are_stopped() -> None:
    asked: list[bytes] = []

    def count(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        return answering(request)

    def due() -> int:
        if len(asked) == 2:
            found.stop()
        return 2

    found = callers(count, due=due)
    found.run([Question(f"tx-{number}", b"%d" % number) for number in range(5)])
    assert set(asked) == {b"0", b"1"}
