"""Records that should not have been sent."""

from random import Random

from load.chaos import stores
from load.chaos.arena import Arena
from load.chaos.faults.fault import Harm
from load.chaos.faults.gateways import large_bodies, other_amounts
from load.chaos.records import FLOOD_RECORDS, Records, conflicting, flooding, oversized, poisonous, repeated

# Until workers that are being replaced are back.
LONGEST_S = 60


def send_poison(arena: Arena, rng: Random) -> Harm:
    """What no decoder takes, less than a partition stops at."""
    _send(arena, poisonous(rng))
    yield 1.0
    _look_at_poison(arena)


def flood_poison(arena: Arena, rng: Random) -> Harm:
    """Malformed records in a row: their partition stops among them until somebody has looked, and no other
    does."""
    topic, before = arena.settings.transactions_topic, dict(arena.pusher.reached)
    _send(arena, flooding(rng))
    flooded = {
        number: end for (_, number), end in arena.pusher.reached.items() if end != before.get((topic, number))
    }
    ends = stores.ends_of(arena.settings, topic)
    expected = {**ends, **{number: end - FLOOD_RECORDS + 1 for number, end in flooded.items()}}
    for _ in range(LONGEST_S):
        yield 1.0
        progress = stores.progress_of(arena.settings, topic, list(ends))
        behind = [number for number in ends if progress[number] < expected[number]]
        if not behind:
            break
    for number in behind:
        arena.complaints.append(f"a flood of malformed records: {topic} {number} has not come so far")
    for number, end in flooded.items():
        if progress[number] >= end:
            arena.complaints.append(f"a flood of malformed records did not stop {topic} {number}")
    _look_at_poison(arena)


def send_oversized(arena: Arena, rng: Random) -> Harm:
    """A record of 900 kB, larger than any transaction may be; bodies of up to 10 MB to a gateway."""
    _send(arena, oversized())
    arena.complaints += large_bodies(arena)
    yield 1.0


def send_again(arena: Arena, rng: Random) -> Harm:
    """A thousand records twice more, in another order."""
    _send(arena, repeated(arena.known(), rng))
    yield 1.0


def send_conflicts(arena: Arena, rng: Random) -> Harm:
    """Known ids with another amount, by Kafka and to a gateway: the first one stands."""
    _send(arena, conflicting(arena.known(), rng))
    arena.complaints += other_amounts(arena, rng)
    yield 1.0


def _look_at_poison(arena: Arena) -> None:
    """What the drill has sent by now may pass."""
    for (topic, number), end in arena.pusher.reached.items():
        stores.allow_poison(arena.settings, topic, number, end)


def _send(arena: Arena, records: Records) -> None:
    arena.pusher.send(arena.settings.transactions_topic, *records)
