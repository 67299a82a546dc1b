"""What callers hear while one dependency after the other is away: statuses, what was missing, how long."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import psutil

from load.chaos.arena import Servers
from load.chaos.faults.fault import suspended
from load.chaos.heard import Reply
from models.decision import Decision
from models.errors import Unavailable
from streams.ledger.scan import ExportedRow

How = Literal["ended", "stopped"]
BEFORE_S, CALM_REPLIES, CALM_SHARE, CALM_WITHIN_S = 3.0, 100, 0.95, 180.0
HISTORY = "customer_tx_count_30d"


@dataclass(frozen=True)
class Outage:
    """how: ended is what refuses connections; stopped is what takes them and never answers."""

    parts: tuple[str, ...]
    how: How

    @property
    def name(self) -> str:
        return "+".join(self.parts) or "nothing"


NOTHING = Outage((), "ended")
OUTAGES = (
    NOTHING,
    *(
        Outage(parts, how)
        for parts in (("kafka",), ("valkey",), ("postgres",), ("mlflow",), ("kafka", "postgres"))
        for how in ("ended", "stopped")
    ),
)


@dataclass(frozen=True)
class Heard:
    """What callers heard during one outage. Times in ms, of all replies.

    statuses: by status and problem. degraded: answers by what they say was missing. durable: answers by
    where they were written. silent: answers made without a history that there was, which do not say so.
    """

    away: str
    how: How
    asked: int
    statuses: Mapping[str, int]
    degraded: Mapping[str, int]
    durable: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    longest_ms: float
    silent: int

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Watch:
    """Goes through the outages. replies: what callers have heard so far, all the time. wait: seconds."""

    servers: Servers
    replies: Sequence[Reply]
    wait: Callable[[float], None]
    clock: Callable[[], float] = time.monotonic

    def run(self, outage: Outage, seconds: float) -> list[Reply]:
        """The replies to what was asked while it lasted.

        Raises:
            Unavailable: gateways do not come back to what they were.
        """
        self._await_calm()
        self.wait(BEFORE_S)
        with _away(self.servers, outage):
            began = self.clock()
            self.wait(seconds)
            ended = self.clock()
        return [reply for reply in list(self.replies) if began <= reply.at_s - reply.took_s <= ended]

    def _await_calm(self) -> None:
        """Until whatever was away before is missed no more."""
        start = len(self.replies)
        deadline = self.clock() + CALM_WITHIN_S
        while self.clock() < deadline:
            last = self.replies[max(start, len(self.replies) - CALM_REPLIES) :]
            if sum(map(_whole, last)) >= CALM_SHARE * CALM_REPLIES:
                return
            self.wait(0.1)
        others = Counter(f"{reply.status} {reply.code}" for reply in last if not _whole(reply))
        raise Unavailable("gateways do not answer as before the outage", why=str(dict(others)))


def _whole(reply: Reply) -> bool:
    return reply.status == 200 and reply.degraded_reason is None


@contextmanager
def _away(servers: Servers, outage: Outage) -> Iterator[None]:
    with ExitStack() as cleanup:
        for part in outage.parts:
            cleanup.enter_context(_part_away(servers, part, outage.how))
        yield


def _part_away(servers: Servers, part: str, how: How) -> AbstractContextManager[Any]:
    if how == "ended":
        return servers.halted(part)
    process = psutil.Process(servers.pid(part))
    return suspended(process, *process.children(recursive=True))


def silent_ones(rows: Sequence[ExportedRow], known: AbstractSet[str]) -> set[str]:
    """Ids of decisions by REST on known customers whose features show no history, and that do not say so.

    known: customers with a history.
    """
    found = set()
    for row in rows:
        count = row.features[row.feature_names.index(HISTORY)]
        decided = row.decided
        says_nothing = decided.path == "rest" and decided.degraded_reason is None
        # The transaction counts itself.
        if says_nothing and decided.customer_id in known and count < 2:
            found.add(decided.transaction_id)
    return found


def heard_of(outage: Outage, replies: Sequence[Reply], silent: set[str]) -> Heard:
    answers = [(reply, msgspec.json.decode(reply.body, type=Decision)) for reply in replies if reply.told]
    took_ms = np.array([reply.took_s for reply in replies] or [0.0]) * 1000
    p50, p99 = np.quantile(took_ms, [0.5, 0.99])
    return Heard(
        away=outage.name,
        how=outage.how,
        asked=len(replies),
        statuses=_counted(f"{reply.status or 'lost'} {reply.code}".strip() for reply in replies),
        degraded=_counted(answer.degraded_reason or "none" for _, answer in answers),
        durable=_counted(reply.durable for reply, _ in answers),
        p50_ms=round(float(p50), 1),
        p99_ms=round(float(p99), 1),
        longest_ms=round(float(took_ms.max()), 1),
        silent=sum(answer.transaction_id in silent for _, answer in answers),
    )


def _counted(names: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
