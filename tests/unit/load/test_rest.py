"""Figures of decisions over HTTP, and the search for the greatest rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.bench.rest import Spent, figures, greatest

NOTHING = Spent(0.0, 0.0)


def test_figures_are_per_request_and_per_core() -> None:
    waited_s = np.arange(1, 1001) / 1e5
    found = figures(100.0, waited_s, np.full(1000, 200, np.int16), Spent(1.0, 2.0), Spent(1.5, 4.0))
    assert (found.p50_ms, found.p99_ms) == pytest.approx((5.005, 9.9001))
    assert (found.requests, found.errors) == (1000, 0)
    assert (found.generator_cpu_us, found.gateway_cpu_us) == pytest.approx((500, 2000))
    assert (found.generator_cores, found.gateway_cores) == pytest.approx((0.05, 0.2))


def test_whatever_is_no_decision_is_an_error() -> None:
    status = np.array([200, 202, 429, 503, 0, -1], np.int16)
    assert figures(1.0, np.ones(6), status, NOTHING, NOTHING).errors == 4


@given(st.floats(min_value=1, max_value=5000))
def test_the_greatest_rate_is_found_to_a_few_percent(limit: float) -> None:
    found = greatest(lambda rate: rate <= limit, 200.0)
    assert limit * 0.95 - 1 <= found <= limit


def test_where_no_rate_passes_it_is_zero() -> None:
    assert greatest(lambda rate: False, 200.0) == 0.0
