"""The model changes, is damaged, or its registry is away, while transactions are decided."""

from random import Random

from load.chaos import stores
from load.chaos.arena import Arena
from load.chaos.faults.fault import SHORT_S, STOPPED_S, Harm, awaited
from models.promotions import promote


def promote_model(arena: Arena, rng: Random) -> Harm:
    """Another version, and back: every row must say which, and bear the score that it gives."""
    before, other = arena.versions.good
    rows = _scored_by(arena, other)
    _promote(arena, other)
    yield from awaited(
        arena, lambda: _scored_by(arena, other) > rows, f"no row was scored by version {other}"
    )
    yield 3.0
    _promote(arena, before)
    yield SHORT_S


def damage_model(arena: Arena, rng: Random) -> Harm:
    """A file that is not what was registered is promoted: no worker may take it, and none may end of it."""
    damaged = rng.choice(arena.versions.damaged)
    pids = _pids(arena)
    _promote(arena, damaged)
    yield from awaited(
        arena, lambda: _refused(arena, damaged), f"no worker has refused version {damaged}, which is damaged"
    )
    yield SHORT_S
    if _pids(arena) != pids:
        arena.complaints.append(f"a worker ended when version {damaged}, which is damaged, was promoted")
    _promote(arena, arena.versions.good[0])
    yield 1.0


def stop_registry(arena: Arena, rng: Random) -> Harm:
    """MLflow is away, and a worker starts meanwhile: with the copy that has proven itself before."""
    slot = arena.crew.one(rng)
    with arena.servers.halted("mlflow"):
        arena.crew.process(slot).kill()
        yield SHORT_S
        started = arena.crew.process(slot).pid
        yield STOPPED_S
        if arena.crew.process(slot).pid != started:
            arena.complaints.append(f"the worker of slot {slot} does not start without MLflow")


def _scored_by(arena: Arena, version: str) -> int:
    return stores.scored_by(arena.settings.database_url, arena.versions.name, version)


def _refused(arena: Arena, version: str) -> bool:
    return any(f'"{version}"' in line for line in arena.crew.said("model_refused"))


def _pids(arena: Arena) -> dict[int, int]:
    return {slot: arena.crew.process(slot).pid for slot in arena.crew.slots()}


def _promote(arena: Arena, version: str) -> None:
    promote(arena.versions.name, arena.versions.alias, version, why="a drill")
