"""Every guard of the protocol is needed: without it, the simulator sees the promise broken."""

from pathlib import Path

import pytest

from load.simulation.campaign import play, play_without
from load.simulation.guards import GUARDS

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
WITHIN_SEEDS = 80


@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_the_promise_is_broken_on_a_seed_that_keeps_it_with_the_guard(guard: str) -> None:
    aim = GUARDS[guard].aim
    assert any(
        play_without(seed, guard).violations and not play(seed, aim).violations
        for seed in range(WITHIN_SEEDS)
    )


def test_a_guard_that_was_taken_away_is_back_afterwards() -> None:
    for guard in GUARDS.values():
        before = [getattr(where, name) for where, name, _ in guard.patches()]
        with guard.removed():
            during = [getattr(where, name) for where, name, _ in guard.patches()]
        assert during != before
        assert [getattr(where, name) for where, name, _ in guard.patches()] == before


def test_the_page_on_the_simulator_lists_every_guard_in_its_words() -> None:
    lines = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    page = {line[0].strip("| `"): line[1] for line in lines}
    assert page == {name: guard.rule for name, guard in GUARDS.items()}
