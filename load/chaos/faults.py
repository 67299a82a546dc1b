"""The faults, by name. Each is a generator: it does its harm, yields for how many seconds, and makes good."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

import psutil

from load.chaos import stores
from load.chaos.arena import Arena, kill
from load.chaos.proxy import PASS, Behaviour
from load.chaos.records import Records, conflicting, flooding, oversized, poisonous, repeated

Harm = Generator[float, None, None]
Act = Callable[[Arena, Random], Harm]

STOPPED_S = 15.0
SHORT_S = 5.0
STARVED_SHARE = 0.9
STORM_ROUNDS = 4


@dataclass(frozen=True)
class Fault:
    """rows: of the fault catalogue in docs/chaos.md."""

    name: str
    rows: tuple[int, ...]
    act: Act


def kill_worker(arena: Arena, rng: Random) -> Harm:
    arena.crew.process(arena.crew.one(rng)).kill()
    yield SHORT_S


def kill_all_workers(arena: Arena, rng: Random) -> Harm:
    for slot in arena.crew.slots():
        arena.crew.process(slot).kill()
    yield SHORT_S


def stop_worker(arena: Arena, rng: Random) -> Harm:
    """Longer than the session lasts: it wakes up as a zombie."""
    yield from _stopped(arena.crew.process(arena.crew.one(rng)))


def terminate_worker(arena: Arena, rng: Random) -> Harm:
    """It finishes its sweep, commits, and ends in good order."""
    slot = arena.crew.one(rng)
    arena.crew.process(slot)
    code = arena.crew.stop(slot)
    if code != 0:
        arena.complaints.append(f"the worker of slot {slot} was told to end, and ended with {code}")
    yield SHORT_S


def starve_worker(arena: Arena, rng: Random) -> Harm:
    """It gets a tenth of its time, as on a host that is overrun."""
    process = arena.crew.process(arena.crew.one(rng))
    for _ in range(10):
        with _suspended(process):
            yield STARVED_SHARE
        yield 1 - STARVED_SHARE


def add_worker(arena: Arena, rng: Random) -> Harm:
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


def kill_kafka(arena: Arena, rng: Random) -> Harm:
    yield from _killed(arena, "kafka")


def stop_kafka(arena: Arena, rng: Random) -> Harm:
    yield from _stopped(arena.store("kafka"))


def restart_kafka(arena: Arena, rng: Random) -> Harm:
    with arena.servers.halted("kafka"):
        yield 1.0


def kill_redis(arena: Arena, rng: Random) -> Harm:
    yield from _killed(arena, "valkey")


def stop_redis(arena: Arena, rng: Random) -> Harm:
    yield from _stopped(arena.store("valkey"))


def wipe_redis(arena: Arena, rng: Random) -> Harm:
    stores.wipe_view(arena.settings.redis_url)
    yield SHORT_S


def cut_redis(arena: Arena, rng: Random) -> Harm:
    """It forgets the last of what it had acknowledged."""
    with arena.servers.halted("valkey") as folder:
        stores.cut_aof(folder, rng.randrange(1_000, 40_000))
        yield 0.0


def fill_redis(arena: Arena, rng: Random) -> Harm:
    with stores.filled_view(arena.settings.redis_url):
        yield SHORT_S


def kill_postgres(arena: Arena, rng: Random) -> Harm:
    yield from _killed(arena, "postgres")


def stop_postgres(arena: Arena, rng: Random) -> Harm:
    """The whole server, its sessions too."""
    server = arena.store("postgres")
    yield from _stopped(server, *server.children(recursive=True))


def restart_postgres(arena: Arena, rng: Random) -> Harm:
    with arena.servers.halted("postgres"):
        yield 1.0


def refuse_writes(arena: Arena, rng: Random) -> Harm:
    with stores.read_only_ledger(arena.settings.database_url):
        yield SHORT_S


def lock_progress(arena: Arena, rng: Random) -> Harm:
    with stores.held_progress(arena.settings.database_url):
        yield SHORT_S


def end_sessions(arena: Arena, rng: Random) -> Harm:
    for _ in range(5):
        stores.end_connections(arena.settings.database_url)
        yield 1.0


def cut_postgres(arena: Arena, rng: Random) -> Harm:
    """Connections break after some hundred kilobytes, so in the midst of inserts and commits too."""
    yield from _behaving(arena, "postgres", Behaviour(cut_after_bytes=rng.randrange(50_000, 300_000)))


def delay_postgres(arena: Arena, rng: Random) -> Harm:
    yield from _behaving(arena, "postgres", Behaviour(latency_s=0.2))


def silence_postgres(arena: Arena, rng: Random) -> Harm:
    """Half-open: bytes are swallowed, nothing is answered, nothing is closed."""
    yield from _behaving(arena, "postgres", Behaviour(half_open=True))


def throttle_postgres(arena: Arena, rng: Random) -> Harm:
    yield from _behaving(arena, "postgres", Behaviour(bytes_per_s=1_000))


def cut_redis_connections(arena: Arena, rng: Random) -> Harm:
    yield from _behaving(arena, "valkey", Behaviour(cut_after_bytes=rng.randrange(5_000, 100_000)))


def silence_redis(arena: Arena, rng: Random) -> Harm:
    yield from _behaving(arena, "valkey", Behaviour(half_open=True))


def send_poison(arena: Arena, rng: Random) -> Harm:
    """What no decoder takes, less than a partition stops at."""
    _send(arena, poisonous(rng))
    yield 1.0
    _look_at_poison(arena)


def flood_poison(arena: Arena, rng: Random) -> Harm:
    """Malformed records in a row: their partition stops until somebody has looked, and no other does."""
    before = dict(arena.pusher.reached)
    _send(arena, flooding(rng))
    flooded = {place: end for place, end in arena.pusher.reached.items() if end != before.get(place)}
    yield SHORT_S
    for (topic, number), end in flooded.items():
        if stores.progress_of(arena.settings, topic, number) >= end:
            arena.complaints.append(f"a flood of malformed records did not stop {topic} {number}")
    _look_at_poison(arena)


def send_oversized(arena: Arena, rng: Random) -> Harm:
    _send(arena, oversized())
    yield 1.0


def send_again(arena: Arena, rng: Random) -> Harm:
    """A thousand records twice more, in another order."""
    _send(arena, repeated(arena.known(), rng))
    yield 1.0


def send_conflicts(arena: Arena, rng: Random) -> Harm:
    """Known ids with another amount: the first one stands."""
    _send(arena, conflicting(arena.known(), rng))
    yield 1.0


FAULTS = (
    Fault("kill_worker", (1,), kill_worker),
    Fault("kill_all_workers", (2,), kill_all_workers),
    Fault("stop_worker", (3,), stop_worker),
    Fault("terminate_worker", (4,), terminate_worker),
    Fault("starve_worker", (26,), starve_worker),
    Fault("add_worker", (27,), add_worker),
    Fault("storm_rebalances", (27,), storm_rebalances),
    Fault("kill_kafka", (6,), kill_kafka),
    Fault("stop_kafka", (5,), stop_kafka),
    Fault("restart_kafka", (6,), restart_kafka),
    Fault("kill_redis", (8,), kill_redis),
    Fault("stop_redis", (11,), stop_redis),
    Fault("wipe_redis", (10,), wipe_redis),
    Fault("cut_redis", (9,), cut_redis),
    Fault("fill_redis", (12,), fill_redis),
    Fault("kill_postgres", (13,), kill_postgres),
    Fault("stop_postgres", (13,), stop_postgres),
    Fault("restart_postgres", (13,), restart_postgres),
    Fault("refuse_writes", (15,), refuse_writes),
    Fault("lock_progress", (16,), lock_progress),
    Fault("end_sessions", (14,), end_sessions),
    Fault("cut_postgres", (14, 32), cut_postgres),
    Fault("delay_postgres", (32,), delay_postgres),
    Fault("silence_postgres", (32,), silence_postgres),
    Fault("throttle_postgres", (32,), throttle_postgres),
    Fault("cut_redis_connections", (32,), cut_redis_connections),
    Fault("silence_redis", (32,), silence_redis),
    Fault("send_poison", (20, 22), send_poison),
    Fault("flood_poison", (21,), flood_poison),
    Fault("send_oversized", (28,), send_oversized),
    Fault("send_again", (24,), send_again),
    Fault("send_conflicts", (25,), send_conflicts),
)


def _killed(arena: Arena, part: str) -> Harm:
    kill(arena.servers, part, arena.wait)
    yield 1.0


def _stopped(*processes: psutil.Process) -> Harm:
    with _suspended(*processes):
        yield STOPPED_S


@contextmanager
def _suspended(*processes: psutil.Process) -> Iterator[None]:
    """They hold still; whoever has died meanwhile needs no waking."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _behaving(arena: Arena, part: str, behaviour: Behaviour) -> Harm:
    proxy = arena.proxies[part]
    proxy.behave(behaviour)
    try:
        yield 2 * SHORT_S
    finally:
        proxy.behave(PASS)
        # What has been swallowed stays lost: such a connection is of no more use.
        proxy.cut_all()


def _look_at_poison(arena: Arena) -> None:
    """What the drill has sent by now may pass."""
    for (topic, number), end in arena.pusher.reached.items():
        stores.allow_poison(arena.settings, topic, number, end)


def _send(arena: Arena, records: Records) -> None:
    arena.pusher.send(arena.settings.transactions_topic, *records)
