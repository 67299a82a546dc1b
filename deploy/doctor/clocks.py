"""Whether another machine's clock goes with ours."""

import time
from collections.abc import Callable

from deploy.doctor.findings import Finding, ok, warn

SKEW_WARN_S = 2.0


def clock(whose: str, now_there: float, now: Callable[[], float] = time.time) -> Finding:
    skew = now_there - now()
    if abs(skew) > SKEW_WARN_S:
        return warn(f"clock of {whose}", f"{skew:+.1f} s from ours", "run a time service on both machines")
    return ok(f"clock of {whose}", f"{skew:+.2f} s from ours")
