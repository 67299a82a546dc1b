"""The last minutes: what every page that warns of faults asks, and asks but once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from dashboard.asking import Asking
from dashboard.headway import Place, Way

RECENT = timedelta(minutes=3)
# Just below the time between two looks of a page.
FRESH_S = 0.6
Document = Mapping[str, Any]


class Recent(NamedTuple):
    """stats: of RECENT. ways: how partitions get on. now: by the ledger's clock."""

    stats: Document
    ways: Mapping[Place, Way]
    now: datetime


async def recent_of(asking: Asking) -> Recent:
    """
    Raises:
        GatewayUnavailable, Unauthenticated, Forbidden, GatewayProblem: as the gateway client.
    """
    return recently(asking, await asking.get("/v1/stats", recent_minutes(asking.now()), fresh_s=FRESH_S))


def recently(asking: Asking, stats: Document) -> Recent:
    """stats: what the gateway has told of the last minutes."""
    now = datetime.fromisoformat(stats["counted_at"])
    return Recent(stats, asking.pace.partitions.of(stats["partitions"], now.timestamp()), now)


def recent_minutes(now: datetime) -> dict[str, str]:
    """Of whole minutes, so that all who look ask the same."""
    since, until = now - RECENT, now + timedelta(minutes=1)
    return {"from": _minute(since), "to": _minute(until)}


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
