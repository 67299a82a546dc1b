"""The breaker: when it opens, whom it lets through, and what closes it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.breaker import Breaker, Rule
from models.errors import BreakerOpen, MalformedLabel, ViewUnavailable
from tests.unit.streams.virtual_time import Clock

EXPECTED = (ViewUnavailable, TimeoutError, MalformedLabel, asyncio.CancelledError, BreakerOpen)


@dataclass
class World:
    clock: Clock = field(default_factory=Clock)
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker("Redis", self.clock)

    def ask(self, outcome: BaseException | None = None) -> bool:
        """Make a call with an outcome; whether the breaker let it through."""
        reached = False
        with suppress(*EXPECTED), self.breaker.call():
            reached = True
            if outcome is not None:
                raise outcome
        return reached

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            self.ask(ViewUnavailable("down"))

    def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            self.ask()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def opened(world: World) -> World:
    world.fail(5)
    assert world.breaker.is_open
    return world


def test_the_fifth_failure_in_a_row_opens_it(world: World) -> None:
    world.fail(4)
    assert not world.breaker.is_open
    world.fail()
    assert world.breaker.is_open


def test_failures_are_in_a_row_however_long_they_take(world: World) -> None:
    for _ in range(5):
        world.clock.now_s += 60
        world.fail()
    assert world.breaker.is_open


def test_a_success_between_them_begins_the_row_anew(world: World) -> None:
    world.fail(4)
    world.succeed()
    world.fail(4)
    assert not world.breaker.is_open


def test_half_of_twenty_calls_failing_opens_it(world: World) -> None:
    for _ in range(9):
        world.fail()
        world.succeed()
    world.succeed()
    assert not world.breaker.is_open
    world.fail()
    assert world.breaker.is_open


def test_less_than_half_of_many_calls_failing_does_not(world: World) -> None:
    for _ in range(100):
        world.succeed(2)
        world.fail()
    assert not world.breaker.is_open


def test_what_happened_more_than_ten_seconds_ago_is_forgotten(world: World) -> None:
    for _ in range(9):
        world.fail()
        world.succeed()
    world.clock.now_s += 10
    for _ in range(9):
        world.succeed()
        world.fail()
    assert not world.breaker.is_open


def test_while_it_is_open_calls_are_not_made(opened: World) -> None:
    with pytest.raises(BreakerOpen, match=r"Redis is left alone. next probe in 5.0 s"), opened.breaker.call():
        pytest.fail("the call was made")


def test_every_five_seconds_one_call_goes_through(opened: World) -> None:
    through = []
    for _ in range(31):
        opened.clock.now_s += 0.5
        if opened.ask(ViewUnavailable("still down")):
            through.append(opened.clock.now_s)
    assert through == [5.0, 10.0, 15.0]


def test_of_calls_at_the_same_moment_one_is_the_probe(opened: World) -> None:
    opened.clock.now_s += 5
    with opened.breaker.call():
        assert not opened.ask()


def test_a_probe_that_succeeds_closes_it_and_everything_before_is_forgotten(opened: World) -> None:
    opened.clock.now_s += 5
    opened.succeed()
    assert not opened.breaker.is_open
    opened.fail(4)
    assert not opened.breaker.is_open


def test_a_probe_whose_caller_went_away_is_followed_by_another(opened: World) -> None:
    opened.clock.now_s += 5
    assert opened.ask(asyncio.CancelledError())
    assert opened.breaker.is_open
    opened.clock.now_s += 5
    assert opened.ask()
    assert not opened.breaker.is_open


def test_a_call_that_began_before_it_opened_neither_closes_it_nor_counts_later(world: World) -> None:
    slow, slower = world.breaker.call(), world.breaker.call()
    slow.__enter__()
    slower.__enter__()
    world.fail(5)
    slow.__exit__(None, None, None)
    assert world.breaker.is_open
    world.clock.now_s += 5
    world.succeed()
    world.fail(4)
    late = ViewUnavailable("at last")
    assert not slower.__exit__(ViewUnavailable, late, None)
    assert not world.breaker.is_open


@pytest.mark.parametrize("answer", [MalformedLabel("currency"), None])
def test_an_answer_is_a_success_though_it_be_a_refusal(opened: World, answer: Exception | None) -> None:
    opened.clock.now_s += 5
    opened.ask(answer)
    assert not opened.breaker.is_open


def test_a_call_that_ran_out_of_time_is_a_failure(world: World) -> None:
    for _ in range(5):
        world.ask(TimeoutError())
    assert world.breaker.is_open


def test_cancelled_requests_and_mistakes_of_ours_say_nothing_of_the_dependency(world: World) -> None:
    for _ in range(5):
        world.ask(asyncio.CancelledError())
        with pytest.raises(ZeroDivisionError):
            world.ask(ZeroDivisionError())
    world.fail(4)
    assert not world.breaker.is_open


def test_calls_are_awaited_within_it_many_at_once(world: World) -> None:
    async def call(turn: asyncio.Event) -> None:
        with world.breaker.call():
            await turn.wait()
            raise ViewUnavailable("down")

    async def calls() -> list[BaseException | None]:
        turn = asyncio.Event()
        waiting = [asyncio.create_task(call(turn)) for _ in range(30)]
        asyncio.get_running_loop().call_soon(turn.set)
        return await asyncio.gather(*waiting, return_exceptions=True)

    outcomes = asyncio.run(calls())
    assert {type(outcome) for outcome in outcomes} == {ViewUnavailable}
    assert world.breaker.is_open


RULE = Rule()
gaps_s = st.sampled_from([0.0, 0.25, 1.0, 3.0, 10.0])


@given(st.lists(st.tuples(gaps_s, st.booleans()), max_size=120))
def test_it_opens_at_the_first_call_at_which_the_rule_says_so(calls: list[tuple[float, bool]]) -> None:
    world = World()
    made: list[tuple[float, bool]] = []
    for gap_s, failed in calls:
        world.clock.now_s += gap_s
        made.append((world.clock.now_s, failed))
        world.ask(ViewUnavailable("down") if failed else None)
        assert world.breaker.is_open == ruled_open(made)
        if world.breaker.is_open:
            return


def ruled_open(made: list[tuple[float, bool]]) -> bool:
    """The rule again, from all calls that were made."""
    now_s = made[-1][0]
    lately = [failed for at_s, failed in made if now_s - at_s < RULE.within_s]
    many = len(lately) >= 20 and 2 * sum(lately) >= len(lately)
    return many or [failed for _, failed in made[-5:]] == [True] * 5
