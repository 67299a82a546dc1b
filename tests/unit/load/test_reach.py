"""A terminal is drawn fairly from those in reach."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from load.reach import Reach

SIDE = 20.0


def places(count: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng((seed, count)).uniform(0, SIDE, (count, 2))


def distances(customers: NDArray[np.float64], terminals: NDArray[np.float64]) -> NDArray[np.float64]:
    apart: NDArray[np.float64] = np.linalg.norm(customers[:, None] - terminals[None], axis=2)
    return apart


@given(st.integers(1, 30), st.integers(1, 40), st.floats(0.5, 40), st.integers(0, 10**6))
def test_whatever_is_drawn_is_in_reach(count: int, terminals: int, radius: float, seed: int) -> None:
    here, there = places(count, seed), places(terminals, seed + 1)
    reach = Reach(here, there, radius=radius, side=SIDE)
    apart = distances(here, there)
    able = np.flatnonzero(reach.someone())
    assert able.tolist() == np.flatnonzero((apart < radius).any(axis=1)).tolist()
    asking = np.repeat(able, 3)
    drawn = reach.draw(asking, np.random.default_rng(seed))
    assert (apart[asking, drawn] < radius).all()


def test_all_terminals_in_reach_are_equally_likely() -> None:
    # The first customer stands in a corner, the second in the middle.
    here = np.array([[0.0, 0.0], [10.0, 10.0]])
    there = places(400, seed=5)
    reach = Reach(here, there, radius=5.0, side=SIDE)
    for customer in (0, 1):
        near = np.flatnonzero(distances(here, there)[customer] < 5.0)
        drawn = reach.draw(np.full(200 * len(near), customer), np.random.default_rng(7))
        counts = np.bincount(drawn, minlength=400)[near]
        assert counts.sum() == len(drawn)
        # Chi-squared with len(near) - 1 degrees of freedom: mean d, variance 2 d; four standard deviations.
        chi_squared = ((counts - 200) ** 2 / 200).sum()
        assert abs(chi_squared - (len(near) - 1)) < 4 * np.sqrt(2 * (len(near) - 1))


def test_nobody_asking_is_drawn_nothing() -> None:
    reach = Reach(places(2, 1), places(2, 2), radius=5.0, side=SIDE)
    assert reach.draw(np.array([], np.int64), np.random.default_rng(1)).tolist() == []
