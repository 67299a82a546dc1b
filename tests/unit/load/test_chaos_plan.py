"""The faults of a drill follow from its seed."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from load.chaos.faults import FAULTS
from load.chaos.plan import planned

PAGE = Path(__file__).parents[3] / "docs" / "chaos.md"
SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.integers(1, 80))
def test_a_seed_gives_the_same_faults_every_time(seed: int, count: int) -> None:
    assert planned(seed, count) == planned(seed, count)
    assert len(planned(seed, count)) == count


@given(SEEDS)
def test_every_kind_comes_once_before_any_comes_twice(seed: int) -> None:
    twice = planned(seed, 2 * len(FAULTS))
    for half in (twice[: len(FAULTS)], twice[len(FAULTS) :]):
        assert {fault.name for fault in half} == {fault.name for fault in FAULTS}


@given(SEEDS)
def test_only_the_named_faults_are_chosen(seed: int) -> None:
    found = planned(seed, 5, ("kill_kafka", "wipe_redis"))
    assert {fault.name for fault in found} == {"kill_kafka", "wipe_redis"}


def test_two_seeds_differ() -> None:
    assert [fault.name for fault in planned(1, 14)] != [fault.name for fault in planned(2, 14)]


def test_no_two_faults_have_one_name() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)


def test_each_fault_says_what_it_does_and_is_on_the_page() -> None:
    page = PAGE.read_text()
    assert [fault.name for fault in FAULTS if not fault.act.__doc__] == []
    assert [fault.name for fault in FAULTS if f"`{fault.name}`" not in page] == []
