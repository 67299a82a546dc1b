"""What tells who may ask, running: keys, how often each has asked, and addresses whose keys have failed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from api.access import Access
from api.breaker import Breaker
from api.failed_keys import running_failed_keys
from api.key_ring import running_key_ring
from api.limits import Limits, LocalLimit, SharedLimit
from api.metrics import ApiMetrics
from api.people import People
from streams.settings import Settings


@contextmanager
def running_access(
    settings: Settings, shared: SharedLimit, people: People, metrics: ApiMetrics
) -> Iterator[Access]:
    """shared: the count of all gateways together. people: who acts by tokens."""
    limits = Limits(
        shared,
        LocalLimit(time.monotonic),
        settings.gateway_processes,
        Breaker("redis", time.monotonic),
        lambda: metrics.failed("redis"),
    )
    with running_key_ring(settings) as ring, running_failed_keys(settings) as failed_keys:
        yield Access(
            lambda presented: ring.verify(presented, datetime.now(UTC)),
            lambda key: limits.ask(key.key_id, key.limit_per_minute),
            failed_keys,
            metrics.unauthenticated,
            people.whose,
        )
