"""Workers die, hang, starve, come and go."""

from random import Random

from load.chaos.arena import Arena
from load.chaos.faults.fault import SHORT_S, Harm, starved, stopped

STORM_ROUNDS = 4


def kill_worker(arena: Arena, rng: Random) -> Harm:
    """SIGKILL; it is started again a second later."""
    arena.crew.process(arena.crew.one(rng)).kill()
    yield SHORT_S


def stop_worker(arena: Arena, rng: Random) -> Harm:
    """Longer than the session lasts: it wakes up as a zombie."""
    yield from stopped(arena.crew.process(arena.crew.one(rng)))


def terminate_worker(arena: Arena, rng: Random) -> Harm:
    """It finishes its sweep, commits, and ends in good order."""
    # For that it needs Kafka, which may have been away until a moment ago.
    yield 2 * SHORT_S
    slot = arena.crew.one(rng)
    arena.crew.process(slot)
    code = arena.crew.stop(slot)
    if code != 0:
        arena.complaints.append(f"the worker of slot {slot} was told to end, and ended with {code}")
    yield SHORT_S


def starve_worker(arena: Arena, rng: Random) -> Harm:
    """It gets a tenth of its time, as on a host that is overrun."""
    yield from starved(arena.crew.process(arena.crew.one(rng)))


def add_worker(arena: Arena, rng: Random) -> Harm:
    """One more joins, and leaves again."""
    slot = arena.crew.add()
    yield 2 * SHORT_S
    arena.crew.remove(slot)


def storm_rebalances(arena: Arena, rng: Random) -> Harm:
    """Somebody joins, somebody is killed, over and over."""
    for _ in range(STORM_ROUNDS):
        slot = arena.crew.add()
        yield SHORT_S
        arena.crew.process(arena.crew.one(rng)).kill()
        arena.crew.remove(slot)
