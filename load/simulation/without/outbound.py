"""What waits to go out without one of its guards."""

from typing import Any

from load.simulation.without.patches import Patch
from streams.offsets import Offsets
from streams.outbound import Outbound, Waiting


def offsets_wait_in_line() -> list[Patch]:
    """A sweep that sends nothing has its offsets committed at once, whatever waits before it."""
    guarded = Outbound.publish

    def publish(self: Outbound, alerts: Any, dead: Any, offsets: Offsets, group: Any) -> None:
        if alerts or dead:
            guarded(self, alerts, dead, offsets, group)
        else:
            self._outbox.publish(alerts, dead, offsets, group)

    return [(Outbound, "publish", publish)]


def one_membership_at_once() -> list[Patch]:
    """What waits since before a rebalance goes along with what came after it."""

    def everything(self: Outbound) -> list[Waiting]:
        waiting = list(self._waiting)
        return [each._replace(group=waiting[-1].group) for each in waiting]

    return [(Outbound, "_next", everything)]
