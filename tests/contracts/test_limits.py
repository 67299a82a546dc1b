"""So many requests of a key in any 60 s: never one more, and none refused that would not be one more."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate, count
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.breaker import Breaker
from api.limits import WINDOW_US, Allowance, Limits, LocalLimit, SharedLimit, allowances
from models.errors import ViewUnavailable
from tests.contracts.limit_worlds import LimitWorld, LocalWorld, RedisWorld, asked, rightly

SECOND_US = 1_000_000
NAMES = count()
CALLS, MOST = 100_000, 100


@pytest.fixture
def limits(kind: str, request: pytest.FixtureRequest) -> LimitWorld:
    return LocalWorld() if kind == "fake" else RedisWorld(request.getfixturevalue("view_url"))


def fresh() -> str:
    return f"key-{next(NAMES)}"


def test_the_hundredth_passes_and_the_next_does_not(limits: LimitWorld) -> None:
    answers = limits.ask(fresh(), 100, *range(0, 101 * 1000, 1000))
    assert [each.allowed for each in answers] == [True] * 100 + [False]
    assert answers[0] == Allowance(True, 100, 99, 60.0)
    assert answers[-1] == Allowance(False, 100, 0, 59.9)


def test_room_comes_when_the_oldest_leaves_the_window(limits: LimitWorld) -> None:
    name = fresh()
    limits.ask(name, 2, 0, 10 * SECOND_US)
    answers = limits.ask(name, 2, WINDOW_US - 1, WINDOW_US, WINDOW_US, WINDOW_US + 10 * SECOND_US)
    assert [each.allowed for each in answers] == [False, True, False, True]


def test_keys_do_not_share(limits: LimitWorld) -> None:
    one, other = fresh(), fresh()
    assert [each.allowed for each in limits.ask(one, 1, 0, 1)] == [True, False]
    assert limits.ask(other, 1, 2)[0].allowed


def test_a_clock_that_is_set_back_lets_no_more_pass(limits: LimitWorld) -> None:
    answers = limits.ask(fresh(), 1, 100 * SECOND_US, 10 * SECOND_US, 50 * SECOND_US)
    assert [each.allowed for each in answers] == [True, False, False]


def test_a_limit_that_was_lowered_holds_at_once(limits: LimitWorld) -> None:
    name = fresh()
    limits.ask(name, 5, 0, 1, 2)
    assert not limits.ask(name, 2, 3)[0].allowed


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 40 * SECOND_US), min_size=1, max_size=40), st.integers(1, 6))
def test_any_sequence_is_answered_exactly(limits: LimitWorld, steps_us: list[int], most: int) -> None:
    times_us = list(accumulate(steps_us))
    answers = limits.ask(fresh(), most, *times_us)
    assert [each.allowed for each in answers] == rightly(times_us, most, WINDOW_US)


def calls(url: str, name: str, times_us: list[int]) -> list[bool]:
    """A process of its own, with its own connection."""
    answers = RedisWorld(url).ask(name, MOST, *times_us)
    return [each.allowed for each in answers]


@pytest.mark.stack
@pytest.mark.slow
def test_a_hundred_thousand_calls_on_two_processes_are_all_answered_right(view_url: str) -> None:
    """In simulated time: the calls of each minute are dealt to both, one stretch after the other, so that
    their order is known."""
    random = Random(1)
    times_us = list(accumulate(random.choice((1, 1000, 400_000, 900_000)) for _ in range(CALLS)))
    name, answers = fresh(), []
    with ProcessPoolExecutor(1) as one, ProcessPoolExecutor(1) as other:
        at = 0
        for process in (one, other) * CALLS:
            size = random.randint(1, 4000)
            if at >= CALLS:
                break
            answers += process.submit(calls, view_url, name, times_us[at : at + size]).result()
            at += size
    expected = rightly_by_window(times_us)
    assert sum(answers) == sum(expected)
    assert answers == expected


def rightly_by_window(times_us: list[int]) -> list[bool]:
    """As `rightly`, for many: of those that passed, only the hundredth from the end matters."""
    passed: list[int] = []
    answers = []
    for now_us in times_us:
        answers.append(len(passed) < MOST or passed[-MOST] <= now_us - WINDOW_US)
        if answers[-1]:
            passed.append(now_us)
    return answers


@pytest.mark.stack
def test_calls_at_the_same_moment_share_one_count(view_url: str) -> None:
    """On the server's clock, over two connections."""
    name = fresh()

    async def run() -> list[Allowance]:
        both = [SharedLimit(view_url, 5.0) for _ in range(2)]
        try:
            found = await asyncio.gather(*(both[n % 2].ask(name, 20) for n in range(50)))
            return [each for (each,) in found]
        finally:
            for each in both:
                await each.close()

    answers = asyncio.run(run())
    assert sum(each.allowed for each in answers) == 20
    assert all(0 < each.reset_s <= 60 for each in answers)


def test_of_several_at_one_moment_as_many_pass_as_there_is_room_for(limits: LimitWorld) -> None:
    name = fresh()
    limits.ask(name, 5, 0)
    (answers,) = limits.ask_together(name, 5, 6, SECOND_US)
    assert [(each.allowed, each.remaining) for each in answers] == [
        *((True, left) for left in (3, 2, 1, 0)),
        *[(False, 0)] * 2,
    ]
    assert {each.reset_s for each in answers} == {59.0}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 40 * SECOND_US), st.integers(1, 4)), min_size=1, max_size=20))
def test_several_at_one_moment_count_as_one_after_the_other(
    limits: LimitWorld, steps: list[tuple[int, int]]
) -> None:
    times_us = list(accumulate(step_us for step_us, _ in steps))
    single, together = fresh(), fresh()
    for time_us, (_, size) in zip(times_us, steps, strict=True):
        alone = limits.ask(single, 5, *[time_us] * size)
        (answers,) = limits.ask_together(together, 5, size, time_us)
        assert answers == alone


def breaker() -> Breaker:
    return Breaker("redis", lambda: 0.0)


class Away:
    asked = 0

    async def ask(
        self, key_id: str, limit: int, *, count: int = 1, now_us: int | None = None
    ) -> list[Allowance]:
        self.asked += 1
        raise ViewUnavailable("Redis is away")


def test_without_redis_each_process_counts_its_share() -> None:
    failures: list[int] = []
    away = Away()
    limits = Limits(away, LocalLimit(lambda: 0.0), 4, breaker(), lambda: failures.append(1))

    async def run() -> list[bool]:
        return [(await limits.ask("a", 100)).allowed for _ in range(30)]

    assert sum(asyncio.run(run())) == 25
    assert len(failures) == 30
    assert away.asked == 5


class Counted:
    """Answers when it may; `asked`: how many at a time."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.may = asyncio.Event()

    async def ask(
        self, key_id: str, limit: int, *, count: int = 1, now_us: int | None = None
    ) -> list[Allowance]:
        self.asked.append(count)
        await self.may.wait()
        return allowances(count, count, limit, limit - count, 60.0)


def test_those_who_come_while_a_key_is_asked_about_are_asked_about_together() -> None:
    async def run() -> tuple[list[int], list[int]]:
        counted = Counted()
        limits = Limits(counted, LocalLimit(lambda: 0.0), 1, breaker())
        first = asyncio.create_task(limits.ask("a", 10))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.create_task(limits.ask("a", 10)) for _ in range(3)]
        other_key = asyncio.create_task(limits.ask("b", 10))
        gone = asyncio.create_task(limits.ask("a", 10))
        await asyncio.sleep(0)
        gone.cancel()
        counted.may.set()
        told = await asyncio.gather(first, *others, other_key)
        return counted.asked, [each.remaining for each in told]

    assert asyncio.run(run()) == ([1, 1, 4], [9, 9, 8, 7, 9])


def test_a_fault_of_ours_is_told_to_all_who_wait_and_to_nobody_after() -> None:
    class Broken:
        async def ask(self, *_: object, **__: object) -> list[Allowance]:
            raise ValueError("a mistake of ours")

    async def run() -> None:
        limits = Limits(Broken(), LocalLimit(lambda: 0.0), 1, breaker())
        for _ in range(2):
            told = await asyncio.gather(*(limits.ask("a", 10) for _ in range(3)), return_exceptions=True)
            assert [type(each) for each in told] == [ValueError] * 3

    asyncio.run(run())


def test_without_redis_nobody_is_shut_out_or_let_in_without_end() -> None:
    limits = Limits(Away(), LocalLimit(lambda: 0.0), 4, breaker())

    async def run() -> list[bool]:
        return [(await limits.ask("a", 2)).allowed for _ in range(3)]

    assert asyncio.run(run()) == [True, False, False]


def test_a_redis_that_does_not_answer_is_unavailable() -> None:
    async def run() -> None:
        await asked(SharedLimit("redis://127.0.0.1:1/0", 0.5), "a", 1, [0])

    with pytest.raises(ViewUnavailable):
        asyncio.run(run())


def test_the_headers_are_those_of_the_draft() -> None:
    assert Allowance(True, 100, 7, 12.2).headers() == {
        "RateLimit-Policy": '"key";q=100;w=60',
        "RateLimit": '"key";r=7;t=13',
    }
    assert Allowance(False, 100, 0, 0.2).headers()["Retry-After"] == "1"
