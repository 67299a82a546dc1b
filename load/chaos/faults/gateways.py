"""Gateways die; and what callers must hear while a store is away, or send what they should not."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

import msgspec
import numpy as np

from load.chaos.arena import Arena
from load.chaos.faults.fault import SHORT_S, Harm
from load.chaos.front_door import LIMITED
from load.chaos.heard import LOST, Reply
from load.chaos.records import oversized

Look = Callable[[Sequence[Reply]], Iterable[str]]

# What an answer may take, and what a machine adds on which everything else is started again meanwhile.
LONGEST_S = 0.25 + 0.25
FAILED_SHARE = 0.05
CONFLICTS = 20
LEDGER_WITHIN_S = 30
BODIES_BYTES = (900_000, 1_100_000, 10_000_000)


def kill_gateway(arena: Arena, rng: Random) -> Harm:
    """SIGKILL to one of them; its callers go to the other."""
    arena.door.crew.process(arena.door.crew.one(rng)).kill()
    yield SHORT_S


def kill_everyone(arena: Arena, rng: Random) -> Harm:
    """SIGKILL to all workers and all gateways at once."""
    for crew in (arena.crew, arena.door.crew):
        for slot in crew.slots():
            crew.process(slot).kill()
    yield SHORT_S


def overheard(arena: Arena, harm: Harm, look: Look) -> Harm:
    """What callers heard during it; complains of what `look` says of that."""
    replies = arena.door.callers.replies
    before = len(replies)
    yield from harm
    arena.complaints += look(replies[before:])


def answered_in_time(replies: Sequence[Reply], away: str) -> Iterator[str]:
    """Nearly all replies are answers, and 99 of 100 come in time.

    Where Postgres is slow for a moment as well, nothing is left to keep an answer: that is told as an error,
    so nothing is lost.
    """
    if not replies:
        yield f"nobody has asked a gateway while {away}"
        return
    failed = Counter(reply.code for reply in replies if reply.status == LOST or reply.status >= 500)
    if failed.total() > FAILED_SHARE * len(replies):
        yield f"of {len(replies)} replies while {away}, these were none: {dict(failed)}"
    p99_s = float(np.quantile([reply.took_s for reply in replies], 0.99))
    if p99_s > LONGEST_S:
        yield f"99 of 100 answers took up to {p99_s:.3f} s while {away}"


def no_history(replies: Sequence[Reply], away: str) -> Iterator[str]:
    """Once Redis is known to be away, answers say that they were made without it."""
    told = [reply for reply in replies if reply.told]
    if not any(reply.degraded_reason == "no_history" for reply in told):
        yield f"no answer says that it was made without histories while {away}"


def limited_apart(arena: Arena) -> Iterator[str]:
    """While the shared count is away, a gateway counts by itself: with a limit, and without errors."""
    replies = arena.door.ask_often(arena.asked[0].document, 2 * LIMITED)
    statuses = [reply.status for reply in replies]
    if statuses.count(200) > LIMITED or 429 not in statuses or set(statuses) - {200, 409, 429}:
        yield f"a key of {LIMITED} a minute was answered {sorted(statuses)} while Redis stood still"


def other_amounts(arena: Arena, rng: Random) -> Iterator[str]:
    """Known ids with other amounts are conflicts."""
    known = [each for each in arena.asked if arena.door.callers.knows(each.transaction_id)]
    some = rng.sample(known, min(CONFLICTS, len(known)))
    if not some:
        yield "no gateway has answered anything yet"
        return
    _await_ledger(arena, some[0].document)
    replies = arena.door.ask([_another_amount(each.document) for each in some])
    # A gateway that leaves Postgres alone cannot know: the row stands, and workers count the other.
    known_now = [(reply.status, reply.code) for reply in replies if reply.durable != "log"]
    if not known_now or set(known_now) != {(409, "other_body")}:
        yield f"known ids with other amounts were answered {dict(Counter(known_now))}"


def large_bodies(arena: Arena) -> Iterator[str]:
    """What is larger than a body may be is refused."""
    for size in BODIES_BYTES:
        (reply,) = arena.door.ask([oversized(size)[1][0]])
        if reply.status != 413:
            yield f"a body of {size:,} bytes was answered {reply.status} {reply.code}"


def _await_ledger(arena: Arena, document: bytes) -> None:
    """Until a gateway asks Postgres again, after whatever fault there was before."""
    for _ in range(LEDGER_WITHIN_S):
        (reply,) = arena.door.ask([document])
        if reply.told and reply.durable == "ledger":
            return
        arena.wait(1.0)


def _another_amount(document: bytes) -> bytes:
    found = msgspec.json.decode(document)
    return msgspec.json.encode(found | {"amount_minor": found["amount_minor"] + 1})
