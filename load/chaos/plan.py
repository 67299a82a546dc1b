"""Which faults, in which order: by seed, every kind once before any comes twice."""

from random import Random

from load.chaos.faults import FAULTS, Fault


def planned(seed: int, count: int, only: tuple[str, ...] = ()) -> list[Fault]:
    """So many faults. only: names; all when empty."""
    rng = Random(seed)
    pool = [fault for fault in FAULTS if not only or fault.name in only]
    chosen: list[Fault] = []
    while len(chosen) < count:
        chosen += rng.sample(pool, min(len(pool), count - len(chosen)))
    return chosen
