"""What is done about malformed records, and about a view that is not whole, without their guards."""

import streams.deciding
from load.simulation.without.patches import Patch
from streams.arrivals import Sweep
from streams.poison import PoisonGate


def flood_stops() -> list[Patch]:
    """However many records are malformed, the worker reads on."""

    def never(self: PoisonGate, sweep: Sweep, malformed: object) -> dict[int, int]:
        return {}

    return [(PoisonGate, "stops", never)]


def degraded_says_so() -> list[Patch]:
    """A decision without histories looks like any other."""
    return [(streams.deciding, "NO_HISTORY", None)]
