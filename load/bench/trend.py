"""Whether something stays as it is while time passes: the slope of its last half, and that slope's noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import linregress

HOUR_S = 3600.0
FEWEST_POINTS = 4
# Twice its standard error: what noise alone exceeds once in forty times.
NOISE = 2.0


@dataclass(frozen=True, slots=True)
class Trend:
    """per_hour, error_per_hour: the slope of the last half by least squares, and its standard error.

    mean: of the last half. window_s: how long that is.
    """

    per_hour: float
    error_per_hour: float
    mean: float
    window_s: float

    def flat(self, tolerated: float) -> bool:
        """It does not grow by more than its noise; or it does, by less than this part of its mean.

        What shrinks is flat: nothing will run out of it.
        """
        grown = self.per_hour * self.window_s / HOUR_S
        return self.per_hour <= NOISE * self.error_per_hour or grown <= tolerated * self.mean

    def document(self) -> dict[str, Any]:
        return {
            "per_hour": round(self.per_hour, 3),
            "error_per_hour": round(self.error_per_hour, 3),
            "mean": round(self.mean, 3),
        }


def trend(moments_s: Sequence[float], values: Sequence[float]) -> Trend | None:
    """Of the last half of the time that the moments span; None if there are too few to have a noise."""
    times, found = np.asarray(moments_s, float), np.asarray(values, float)
    if not len(times):
        return None
    late = times >= (times[0] + times[-1]) / 2
    if np.count_nonzero(late) < FEWEST_POINTS:
        return None
    times, found = times[late], found[late]
    fit = linregress(times, found)
    return Trend(
        per_hour=float(fit.slope) * HOUR_S,
        error_per_hour=float(fit.stderr) * HOUR_S,
        mean=float(found.mean()),
        window_s=float(times[-1] - times[0]),
    )
