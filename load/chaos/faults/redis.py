"""Redis dies, stops, forgets, is full; its connections break."""

from collections.abc import Iterator, Sequence
from random import Random

from load.chaos import stores
from load.chaos.arena import Arena
from load.chaos.faults.fault import SHORT_S, Harm, behaving, killed, starved, stopped
from load.chaos.faults.gateways import answered_in_time, limited_apart, no_history, overheard
from load.chaos.heard import Reply
from load.chaos.proxy import Behaviour


def kill_redis(arena: Arena, rng: Random) -> Harm:
    """SIGKILL; its supervisor starts it again."""
    yield from killed(arena, "valkey")


def stop_redis(arena: Arena, rng: Random) -> Harm:
    """It stands still; gateways answer without histories, say so, and count requests by themselves."""
    yield from overheard(arena, _standing_still(arena), _answered_without)


def _standing_still(arena: Arena) -> Harm:
    for hold_s in stopped(arena.store("valkey")):
        arena.complaints += limited_apart(arena)
        yield hold_s


def _answered_without(replies: Sequence[Reply]) -> Iterator[str]:
    yield from answered_in_time(replies, "Redis stood still")
    yield from no_history(replies, "Redis stood still")


def starve_redis(arena: Arena, rng: Random) -> Harm:
    """It gets a tenth of its time."""
    yield from starved(arena.store("valkey"))


def restart_redis(arena: Arena, rng: Random) -> Harm:
    """It is stopped in good order, and started again."""
    with arena.servers.halted("valkey"):
        yield 1.0


def wipe_redis(arena: Arena, rng: Random) -> Harm:
    """It is empty."""
    stores.wipe_view(arena.settings.redis_url)
    yield SHORT_S


def cut_redis(arena: Arena, rng: Random) -> Harm:
    """It forgets the last of what it had acknowledged."""
    with arena.servers.halted("valkey") as folder:
        stores.cut_aof(folder, rng.randrange(1_000, 40_000))
        yield 0.0


def fill_redis(arena: Arena, rng: Random) -> Harm:
    """It has no memory left, and refuses every write."""
    with stores.filled_view(arena.settings.redis_url):
        yield SHORT_S


def cut_redis_connections(arena: Arena, rng: Random) -> Harm:
    """Connections break after some kilobytes."""
    yield from behaving(arena, "valkey", Behaviour(cut_after_bytes=rng.randrange(5_000, 100_000)))


def silence_redis(arena: Arena, rng: Random) -> Harm:
    """Half-open: bytes are swallowed, nothing is answered, nothing is closed."""
    yield from behaving(arena, "valkey", Behaviour(half_open=True))
