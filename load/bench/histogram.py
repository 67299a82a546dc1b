"""Waits as an HdrHistogram, which its tools and other languages read, merge and draw."""

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

LEAST_US, MOST_US, DIGITS = 1, 600_000_000, 3


def encoded(waited_s: NDArray[np.float64]) -> str:
    """Microseconds, compressed, in base64 (V2). A wait counts from when it was due: nothing is corrected."""
    histogram = HdrHistogram(LEAST_US, MOST_US, DIGITS)
    waited_us = np.clip(np.round(waited_s * 1e6), LEAST_US, MOST_US).astype(np.int64)
    values, counts = np.unique(waited_us, return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        histogram.record_value(value, count)
    text: str = histogram.encode().decode()
    return text
