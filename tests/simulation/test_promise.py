"""The whole promise, on seeded schedules of crashes, rebalances, losses, repeats and restores."""

import pytest

from load.simulation.campaign import Outcome, play
from load.simulation.guards import GUARDS

SEEDS, GROUP = 300, 20
AIMED_SEEDS = 6


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_nothing_is_lost_and_nothing_doubled(first: int) -> None:
    broken = [outcome for seed in range(first, first + GROUP) if (outcome := play(seed)).violations]
    assert not broken, words_of(broken)


@pytest.mark.parametrize("guard", GUARDS)
def test_what_a_guard_is_there_for_breaks_nothing_while_it_stands(guard: str) -> None:
    aim = GUARDS[guard].aim
    broken = [outcome for seed in range(AIMED_SEEDS) if (outcome := play(seed, aim)).violations]
    assert not broken, words_of(broken)


def words_of(broken: list[Outcome]) -> str:
    """Each seed, what it broke first, and how to see it again."""
    return "\n".join(
        f"seed {outcome.seed}: {outcome.violations[0].promise}: {outcome.violations[0].found}\n"
        f"  fraudml simulate --seeds 1 --first-seed {outcome.seed}"
        for outcome in broken
    )
