"""Crowds of customers with warm histories in one view, for the benchmarks of state."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from redis import Redis

from deploy.jobs.benchmarks import Rig, rig
from deploy.stack.report import Report
from deploy.stack.waiting import TimedOut, until
from load.bench.crowd import USUAL_A_DAY, Crowd, Histories
from load.bench.filling import fill, keys_of, our_errors, used_memory
from load.columns import Transactions
from load.peers.histories import our_prefix
from models.errors import ViewUnavailable
from models.features import ENTITIES, Entity
from streams.redis_client import client_options

# Models are trained on the rig's own customers; the crowds have histories of their own.
WARM_DAYS = 8
WRITTEN_ANEW_WITHIN_S = 300.0


@dataclass
class Crowds:
    """A rig, and crowds.

    start: what the view's keys begin with. bytes_each: of Redis' memory, for each history of a crowd.
    sent: how many transactions of each crowd. touched: how many customers the last of these were of.
    """

    rig: Rig
    redis: Any
    start: str
    rng: np.random.Generator
    bytes_each: dict[tuple[Crowd, Entity], float] = field(default_factory=dict)
    sent: dict[Crowd, int] = field(default_factory=dict)
    touched: dict[Crowd, int] = field(default_factory=dict)

    def send(self, crowd: Crowd, count: int, hot_share: float = 0.0) -> Transactions:
        first = self.sent.get(crowd, 0)
        self.sent[crowd] = first + count
        table = crowd.transactions(count, first, self.rng, hot_share)
        self.touched[crowd] = len(set(table.customer_id.tolist()))
        return table

    def fill(self, crowd: Crowd, report: Report) -> None:
        done = 0

        def filled(count: int) -> None:
            nonlocal done
            done += count
            report.waiting(f"histories of {crowd.customers:,} customers and their terminals: {done:,}")

        for entity in ENTITIES:
            before = used_memory(self.redis)
            fill(self.redis, self.start, crowd.histories(entity, self.rng), filled)
            used = used_memory(self.redis) - before
            self.bytes_each[crowd, entity] = round(used / crowd.count(entity), 1)

    def bytes_of(self, histories: Histories) -> float:
        """Of Redis' memory for each of these, which are gone afterwards."""
        before = used_memory(self.redis)
        fill(self.redis, self.start, iter([histories]))
        used = used_memory(self.redis) - before
        with our_errors():
            self.redis.unlink(*keys_of(self.start, histories))
        return used / len(histories.names)


def crowd_of(customers: int, customer_a_day: int = USUAL_A_DAY) -> Crowd:
    return Crowd(f"of-{customers}-{customer_a_day}", customers, customer_a_day)


@contextmanager
def crowds(who: Iterable[Crowd], report: Report) -> Iterator[Crowds]:
    """A rig whose worker is stopped and whose view holds the histories of these crowds."""
    with rig(1, report, WARM_DAYS) as found:
        found.worker.stop()
        settings = found.settings
        options = client_options(settings.redis_url)
        redis = Redis.from_url(**options, socket_timeout=settings.scan_timeout_s, socket_connect_timeout=10)
        try:
            start = our_prefix(redis, settings.state_groups)
            made = Crowds(found, redis, start, np.random.default_rng(1))
            with unlogged(redis, report):
                for crowd in who:
                    made.fill(crowd, report)
            yield made
        finally:
            redis.close()


@contextmanager
def unlogged(redis: Any, report: Report) -> Iterator[None]:
    """Redis writes its file once afterwards, instead of every record as it comes.

    Raises:
        ViewUnavailable: Redis failed, or the file is not written in time.
    """
    with our_errors():
        redis.config_set("appendonly", "no")
    yield
    report.waiting("waiting until Redis has written its file")
    with our_errors():
        redis.config_set("appendonly", "yes")
    try:
        until(lambda: _is_written(redis), within_s=WRITTEN_ANEW_WITHIN_S, every_s=0.2)
    except TimedOut:
        raise ViewUnavailable(
            "Redis has not written its file", why=f"it has taken more than {WRITTEN_ANEW_WITHIN_S:.0f} s"
        ) from None


def _is_written(redis: Any) -> bool:
    with our_errors():
        found = redis.info("persistence")
    is_writing = found["aof_rewrite_in_progress"] or found["aof_rewrite_scheduled"]
    return bool(found["aof_enabled"] and not is_writing)
