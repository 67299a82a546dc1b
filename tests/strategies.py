"""Hypothesis strategies for the domain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from models.features import DAY_S, HOUR_S
from models.fold import Entries

CUSTOMERS, TERMINALS = 3, 2
START_S = 1_700_000_000 - 1_700_000_000 % DAY_S


@dataclass(frozen=True)
class Arrival:
    """One transaction of a small world."""

    customer: int
    terminal: int
    time_s: int
    amount_minor: int


# Times lie where something changes: equal seconds, hours, windows, the ends of lateness and retention.
anchors_d = [0, 1, 3, 7, 8, 10, 30, 33, 37, 40, 70]
hours = st.integers(0, 2)
seconds = st.sampled_from([0, 0, 1, 1800, HOUR_S - 1])


@st.composite
def times_s(draw: st.DrawFn, anchors_d: Sequence[int] = anchors_d) -> int:
    return START_S + draw(st.sampled_from(anchors_d)) * DAY_S + draw(hours) * HOUR_S + draw(seconds)


@st.composite
def arrivals(draw: st.DrawFn, *, in_order: bool = False, most: int = 40) -> list[Arrival]:
    """Transactions of a few customers at a few terminals, in the order in which they arrive."""
    times = draw(st.lists(times_s(), min_size=1, max_size=most))
    amounts = st.integers(0, 10**12)
    return [
        Arrival(
            draw(st.integers(0, CUSTOMERS - 1)), draw(st.integers(0, TERMINALS - 1)), time_s, draw(amounts)
        )
        for time_s in (sorted(times) if in_order else times)
    ]


@st.composite
def lonely_arrivals(draw: st.DrawFn) -> list[Arrival]:
    """Transactions of one customer at one terminal, near the edges of what a history keeps."""
    keep_d = draw(st.sampled_from([33, 40]))
    near = times_s([0, 0, 3, 10, keep_d - 37, keep_d - 30, keep_d - 3, keep_d, keep_d])
    times = draw(st.lists(near, min_size=3, max_size=8))
    return [Arrival(0, 0, time_s, number) for number, time_s in enumerate(times, 1)]


def entries_of(world: list[Arrival]) -> Entries:
    columns = np.array([(a.customer, a.terminal, a.time_s, a.amount_minor) for a in world], np.int64)
    customer, terminal, time_s, amount = columns.reshape(-1, 4).T
    return Entries(np.stack([customer, terminal + CUSTOMERS]), time_s, amount)
