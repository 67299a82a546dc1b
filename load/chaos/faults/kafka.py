"""Kafka dies, stops, starves."""

from random import Random

from load.chaos.arena import Arena
from load.chaos.faults.fault import Harm, killed, starved, stopped
from load.chaos.faults.gateways import answered_in_time, overheard


def kill_kafka(arena: Arena, rng: Random) -> Harm:
    """SIGKILL; its supervisor starts it again."""
    yield from killed(arena, "kafka")


def stop_kafka(arena: Arena, rng: Random) -> Harm:
    """It stands still for longer than a session lasts; gateways answer all the while."""
    harm = stopped(arena.store("kafka"))
    yield from overheard(arena, harm, lambda replies: answered_in_time(replies, "Kafka stood still"))


def starve_kafka(arena: Arena, rng: Random) -> Harm:
    """It gets a tenth of its time."""
    yield from starved(arena.store("kafka"))


def restart_kafka(arena: Arena, rng: Random) -> Harm:
    """It is stopped in good order, and started again."""
    with arena.servers.halted("kafka"):
        yield 1.0
