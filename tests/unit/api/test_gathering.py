"""Requests that wait at the same moment are answered together, and nobody waits for company."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest

from api.gathering import Gathering
from api.pace import AT_ONCE, Pace
from models.errors import AnswerLost, FraudError, InFlight


class Sweeps:
    """Answers with the question, in capitals. go: while it is not set, a sweep takes its time."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.begun = Semaphore(0)
        self.go = Event()
        self.go.set()

    def answer(self, asked: Sequence[str]) -> list[str | FraudError]:
        self.seen.append(list(asked))
        self.begun.release()
        assert self.go.wait(10)
        if "break" in asked:
            raise ValueError("a mistake of ours")
        return [AnswerLost() if each == "lost" else each.upper() for each in asked]


def gathered(sweeps: Sweeps, act: Any, most: int = 256, pace: Pace = AT_ONCE) -> Any:
    async def run() -> Any:
        with ThreadPoolExecutor(1) as thread:
            gathering: Gathering[str, str] = Gathering(sweeps.answer, str, thread, most, pace)
            return await act(gathering)

    return asyncio.run(run())


async def _begun(sweeps: Sweeps) -> None:
    """A sweep is in work."""
    assert await asyncio.to_thread(sweeps.begun.acquire, timeout=10)


def test_a_lonely_request_is_answered_at_once() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        return await gathering.ask("a")

    assert gathered(sweeps, act) == "A"
    assert sweeps.seen == [["a"]]


def test_what_comes_during_a_sweep_is_the_next_one() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        sweeps.go.clear()
        first = asyncio.create_task(gathering.ask("a"))
        await _begun(sweeps)
        others = [asyncio.create_task(gathering.ask(name)) for name in "bcd"]
        await asyncio.sleep(0)
        sweeps.go.set()
        return await asyncio.gather(first, *others)

    assert gathered(sweeps, act) == ["A", "B", "C", "D"]
    assert sweeps.seen == [["a"], ["b", "c", "d"]]


def test_a_sweep_has_a_largest_size() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        return await asyncio.gather(*(gathering.ask(name) for name in "abcde"))

    gathered(sweeps, act, most=2)
    assert [len(each) for each in sweeps.seen] == [2, 2, 1]


def test_under_load_a_sweep_waits_for_more() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        await asyncio.gather(*(gathering.ask(name) for name in "ab"))
        first = asyncio.create_task(gathering.ask("c"))
        for _ in range(5):
            await asyncio.sleep(0)
        return await asyncio.gather(first, gathering.ask("d"))

    assert gathered(sweeps, act, pace=Pace(0.05, 2)) == ["C", "D"]
    assert sweeps.seen == [["a", "b"], ["c", "d"]]


def test_a_full_sweep_waits_for_nothing() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        return await asyncio.gather(*(gathering.ask(name) for name in "abcd"))

    gathered(sweeps, act, most=2, pace=Pace(3600.0, 2))
    assert sweeps.seen == [["a", "b"], ["c", "d"]]


def test_those_who_hang_up_while_a_sweep_waits_are_not_answered() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        await asyncio.gather(*(gathering.ask(name) for name in "ab"))
        gone = asyncio.create_task(gathering.ask("c"))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await gathering.ask("d")

    assert gathered(sweeps, act, pace=Pace(0.005, 2)) == "D"
    assert sweeps.seen == [["a", "b"], ["d"]]


def test_the_same_name_is_refused_while_it_is_answered_and_not_after() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        sweeps.go.clear()
        first = asyncio.create_task(gathering.ask("a"))
        await _begun(sweeps)
        with pytest.raises(InFlight):
            await gathering.ask("a")
        sweeps.go.set()
        await first
        return await gathering.ask("a")

    assert gathered(sweeps, act) == "A"


def test_an_error_is_its_own_requests_alone() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        return await asyncio.gather(gathering.ask("a"), gathering.ask("lost"), return_exceptions=True)

    told, error = gathered(sweeps, act)
    assert told == "A"
    assert isinstance(error, AnswerLost)


def test_a_sweep_that_fails_fails_for_all_of_it_and_for_nobody_after() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        both = await asyncio.gather(gathering.ask("break"), gathering.ask("b"), return_exceptions=True)
        return both, await gathering.ask("c")

    both, after = gathered(sweeps, act)
    assert [type(each) for each in both] == [ValueError, ValueError]
    assert after == "C"


def test_who_hangs_up_does_not_take_the_others_along() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        sweeps.go.clear()
        first, second = (asyncio.create_task(gathering.ask(name)) for name in "ab")
        await _begun(sweeps)
        first.cancel()
        sweeps.go.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    left, told = gathered(sweeps, act)
    assert isinstance(left, asyncio.CancelledError)
    assert told == "B"


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    sweeps = Sweeps()

    async def act(gathering: Any) -> Any:
        sweeps.go.clear()
        first = asyncio.create_task(gathering.ask("a"))
        await _begun(sweeps)
        second = asyncio.create_task(gathering.ask("b"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        sweeps.go.set()
        return await first, await gathering.ask("c")

    assert gathered(sweeps, act) == ("A", "C")
    assert sweeps.seen == [["a"], ["c"]]
