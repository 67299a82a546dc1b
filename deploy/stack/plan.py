"""What an `up` has to do, decided before anything is touched."""

from collections.abc import Iterable
from typing import NamedTuple

from deploy.stack.errors import StackError
from deploy.stack.parts import COMPANIONS, KINDS, in_start_order, kind_of, slots_of
from deploy.stack.workers import worker_name


class Plan(NamedTuple):
    """Names of parts, each list in the order of its start."""

    wanted: list[str]
    new: list[str]
    """Wanted, and not running yet."""
    spare: list[str]
    """Workers beyond the number asked for, and companions that are not asked for."""
    kept: list[str]
    """All that will run in the end."""


def plan(
    running: Iterable[str],
    services: Iterable[str],
    workers: int | None,
    companions: Iterable[str] = (),
) -> Plan:
    """What is asked for, against what runs; `workers` None leaves their number as it is.

    companions: they run where workers do.

    Raises:
        NotFound: a service is none.
        StackError: a service is asked for without what it builds on.
    """
    running = set(running)
    slots = slots_of(running) if workers is None else range(workers)
    wanted = {*services, *map(worker_name, slots)}
    if slots:
        wanted.update(companions)
    for name in wanted:
        kind_of(name)
    _with_needs(wanted | running)
    spare = ({worker_name(slot) for slot in slots_of(running)} | (COMPANIONS.keys() & running)) - wanted
    return Plan(*map(in_start_order, (wanted, wanted - running, spare, (wanted | running) - spare)))


def _with_needs(names: set[str]) -> None:
    """Workers may use stores that run elsewhere; a service that builds on another one may not."""
    for name in names & set(KINDS):
        if missing := set(KINDS[name].needs) - names:
            needed = ", ".join(missing)
            raise StackError(f"{name} cannot run without {needed}", next_step=f"start {needed} too")
