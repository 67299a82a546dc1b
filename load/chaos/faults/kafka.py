"""Kafka dies, stops, starves."""

from random import Random

from load.chaos.arena import Arena
from load.chaos.faults.fault import Harm, killed, starved, stopped


def kill_kafka(arena: Arena, rng: Random) -> Harm:
    """SIGKILL; its supervisor starts it again."""
    yield from killed(arena, "kafka")


def stop_kafka(arena: Arena, rng: Random) -> Harm:
    """It stands still for longer than a session lasts."""
    yield from stopped(arena.store("kafka"))


def starve_kafka(arena: Arena, rng: Random) -> Harm:
    """It gets a tenth of its time."""
    yield from starved(arena.store("kafka"))


def restart_kafka(arena: Arena, rng: Random) -> Harm:
    """It is stopped in good order, and started again."""
    with arena.servers.halted("kafka"):
        yield 1.0
