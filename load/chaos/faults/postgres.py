"""Postgres dies, stops, refuses; its connections break, stall and fall silent."""

from random import Random

from load.chaos import stores
from load.chaos.arena import Arena
from load.chaos.faults.fault import SHORT_S, Harm, behaving, killed, starved, stopped
from load.chaos.proxy import Behaviour


def kill_postgres(arena: Arena, rng: Random) -> Harm:
    """SIGKILL; its supervisor starts it again."""
    yield from killed(arena, "postgres")


def stop_postgres(arena: Arena, rng: Random) -> Harm:
    """The whole server, its sessions too."""
    server = arena.store("postgres")
    yield from stopped(server, *server.children(recursive=True))


def starve_postgres(arena: Arena, rng: Random) -> Harm:
    """It gets a tenth of its time, its sessions too."""
    server = arena.store("postgres")
    yield from starved(server, *server.children(recursive=True))


def restart_postgres(arena: Arena, rng: Random) -> Harm:
    """It is stopped in good order, and started again."""
    with arena.servers.halted("postgres"):
        yield 1.0


def refuse_writes(arena: Arena, rng: Random) -> Harm:
    """It takes no writes, as with a full disk or as a standby."""
    with stores.read_only_ledger(arena.settings.database_url):
        yield SHORT_S


def lock_progress(arena: Arena, rng: Random) -> Harm:
    """Somebody else holds the rows that every sweep locks."""
    with stores.held_progress(arena.settings.database_url):
        yield SHORT_S


def end_sessions(arena: Arena, rng: Random) -> Harm:
    """Every session is ended, again and again."""
    for _ in range(5):
        stores.end_connections(arena.settings.database_url)
        yield 1.0


def cut_postgres(arena: Arena, rng: Random) -> Harm:
    """Connections break after some hundred kilobytes, so in the midst of inserts and commits too."""
    yield from behaving(arena, "postgres", Behaviour(cut_after_bytes=rng.randrange(50_000, 300_000)))


def delay_postgres(arena: Arena, rng: Random) -> Harm:
    """Every request takes 0.2 s longer."""
    yield from behaving(arena, "postgres", Behaviour(latency_s=0.2))


def silence_postgres(arena: Arena, rng: Random) -> Harm:
    """Half-open: bytes are swallowed, nothing is answered, nothing is closed."""
    yield from behaving(arena, "postgres", Behaviour(half_open=True))


def throttle_postgres(arena: Arena, rng: Random) -> Harm:
    """No more than 1 kB a second passes."""
    yield from behaving(arena, "postgres", Behaviour(bytes_per_s=1_000))
