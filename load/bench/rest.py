"""How long a decision over HTTP takes from the moment its request is due, and how many a second it may be.

Open loop, as in latency.py: the schedule waits for no answer, so that a stall is charged to all it delays.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import uvloop
from numpy.typing import NDArray

from load.bench.http_line import Connection, Line
from models.errors import Unavailable

CONNECTIONS = 64
TICK_S = 0.002
DRAIN_S = 10.0
WARM_UP_S = 5.0
DECIDED = (200, 202)


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds so far: of this process, which generates, and of the gateway."""

    generator_s: float
    gateway_s: float


@dataclass(frozen=True, slots=True)
class RestLatency:
    """Milliseconds from due to answered; CPU in us per request, and as a share of one core.

    errors: requests of the measured time with no decision; one without any answer counts up to the end.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    requests: int
    errors: int
    gateway_cpu_us: float
    gateway_cores: float
    generator_cpu_us: float
    generator_cores: float

    def rounded(self) -> dict[str, Any]:
        return {name: round(value, 2) for name, value in asdict(self).items()}


def measure_rest(
    address: tuple[str, int],
    requests: Sequence[bytes],
    rate: float,
    gateway_cpu_s: Callable[[], float],
    warm_up_s: float = WARM_UP_S,
) -> RestLatency:
    """Send requests at a steady rate; those of the warm-up are not counted.

    Raises:
        Unavailable: the gateway takes no connections.
    """

    def spent() -> Spent:
        return Spent(time.process_time(), gateway_cpu_s())

    line = Line(requests, time.perf_counter)
    schedule = np.floor(np.arange(len(requests)) / rate / TICK_S) * TICK_S
    first = int(np.searchsorted(schedule, warm_up_s))
    due_s, before, after = uvloop.run(_drive(address, line, schedule, first, spent))
    ended_s = time.perf_counter()
    waited_s = np.where(np.isnan(line.told_s), ended_s, line.told_s) - due_s
    return figures(rate, waited_s[first:], line.status[first:], before, after)


def figures(
    rate: float, waited_s: NDArray[np.float64], status: NDArray[np.int16], before: Spent, after: Spent
) -> RestLatency:
    """before, after: around the requests that are given."""
    count = len(waited_s)
    p50, p99, p999 = (np.percentile(waited_s, [50, 99, 99.9]) * 1000).tolist()
    generator_s, gateway_s = after.generator_s - before.generator_s, after.gateway_s - before.gateway_s
    per_request, took_s = 1e6 / count, count / rate
    return RestLatency(
        rate=rate,
        p50_ms=p50,
        p99_ms=p99,
        p999_ms=p999,
        requests=count,
        errors=int(np.count_nonzero(~np.isin(status, DECIDED))),
        gateway_cpu_us=gateway_s * per_request,
        gateway_cores=gateway_s / took_s,
        generator_cpu_us=generator_s * per_request,
        generator_cores=generator_s / took_s,
    )


async def _drive(
    address: tuple[str, int],
    line: Line,
    schedule: NDArray[np.float64],
    first: int,
    spent: Callable[[], Spent],
) -> tuple[NDArray[np.float64], Spent, Spent]:
    """When each request was due, and what was spent around those from the first measured one on."""
    await _connect(address, line)
    began_s = time.perf_counter() + TICK_S
    before = spent()
    sent = 0
    for tick_s in np.unique(schedule).tolist():
        if (ahead_s := began_s + tick_s - time.perf_counter()) > 0:
            await asyncio.sleep(ahead_s)
        if sent <= first and tick_s >= schedule[first]:
            before = spent()
        last = int(np.searchsorted(schedule, tick_s, side="right"))
        for index in range(sent, last):
            line.send(index)
        sent = last
    with suppress(TimeoutError):
        await asyncio.wait_for(line.drained(), DRAIN_S)
    after = spent()
    line.close()
    return began_s + schedule, before, after


async def _connect(address: tuple[str, int], line: Line) -> None:
    loop = asyncio.get_running_loop()
    try:
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: Connection(line), *address)
    except OSError as error:
        raise Unavailable("the gateway takes no connections", why=str(error)) from None


def greatest(passes: Callable[[float], bool], first: float, within: float = 0.04) -> float:
    """The greatest rate that passes: doubled from the first until one does not, then halved in between.

    within: the part of the rate that is left open. 0 where none passes, however small.
    """
    low, high = 0.0, first
    while passes(high):
        low, high = high, high * 2
    while high - low > within * high and high > 1:
        middle = (low + high) / 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low
