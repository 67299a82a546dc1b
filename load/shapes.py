"""Shapes of load: how many records are due before a time, and when each is. Pure functions of time.

A shape repeats itself after its period, and all have the same mean: the count over a whole period is the mean
times its length.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.errors import BadSetting

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]

PERIOD_S = 600.0
BURST_BEGINS, BURST_ENDS, BURST_HEIGHT = 0.5, 0.6, 5.0
QUIET_HEIGHT = (1 - (BURST_ENDS - BURST_BEGINS) * BURST_HEIGHT) / (1 - (BURST_ENDS - BURST_BEGINS))
DIURNAL_SWING = 0.8  # the peak is 1.8 times the mean, the low 0.2
# So often is the place in a period halved: until floats cannot tell it closer.
HALVINGS = 53


class Kind(StrEnum):
    STEADY = "steady"
    RAMP = "ramp"
    BURST = "burst"
    DIURNAL = "diurnal"


def _burst(place: Floats) -> Floats:
    within = np.clip(place - BURST_BEGINS, 0, BURST_ENDS - BURST_BEGINS)
    return QUIET_HEIGHT * (place - within) + BURST_HEIGHT * within


# For each kind, the share of a period's records that are due before a place of it between 0 and 1.
CURVES: dict[Kind, Curve] = {
    Kind.STEADY: lambda place: place,
    Kind.RAMP: np.square,
    Kind.BURST: _burst,
    Kind.DIURNAL: lambda place: place - DIURNAL_SWING / (2 * np.pi) * np.sin(2 * np.pi * place),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """mean_rate: records per second, over each whole period."""

    kind: Kind
    mean_rate: float
    period_s: float = PERIOD_S

    def __post_init__(self) -> None:
        for name in ("mean_rate", "period_s"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise BadSetting(f"{name} of a shape is {value}", next_step=f"set {name} above 0")

    def count(self, time_s: Floats) -> Floats:
        """How many records are due before these times, parts of one included."""
        place, whole = np.modf(np.asarray(time_s) / self.period_s)
        return self._per_period * (whole + CURVES[self.kind](place))

    def due_s(self, first: int, count: int) -> Floats:
        """When each of so many records is due, in seconds since the beginning; `first` have gone before."""
        share, whole = np.modf(np.arange(first, first + count) / self._per_period)
        return self.period_s * (whole + self._place(share))

    @property
    def _per_period(self) -> float:
        return self.mean_rate * self.period_s

    def _place(self, share: Floats) -> Floats:
        """Where in a period such shares of its records are due."""
        place = np.zeros_like(share)
        for halving in range(1, HALVINGS + 1):
            middle = place + 0.5**halving
            place = np.where(CURVES[self.kind](middle) <= share, middle, place)
        return place
