"""Gateways for drills, beside a stack: with keys, behind whatever their environment names."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random

import httpx

from deploy.jobs.keys import created_key
from deploy.stack.ports import assign
from deploy.stack.stack import Stack
from deploy.stack.waiting import TimedOut, until
from load.bench.worker_process import GatewayProcess
from load.chaos.callers import Callers, client_of
from load.chaos.crew import Crew
from load.chaos.front_door import LIMITED, FrontDoor
from models.errors import Unavailable
from models.scopes import SCOPES
from streams.settings import Settings

GATEWAYS = 2
READY_WITHIN_S = 240.0
UNLIMITED = 10_000_000


@contextmanager
def front_door(
    stack: Stack, environment: dict[str, str], due: Callable[[], float], rng: Random, *, patient: bool = True
) -> Iterator[FrontDoor]:
    """Gateways that are started again when they die, and their callers, who have not begun.

    due, rng, patient: as `Callers`.

    Raises:
        Unavailable: they do not get ready.
    """
    names = [f"gateway-{slot}" for slot in range(GATEWAYS)]
    ports = assign(names, {}, given={}).ports
    keys = [_key(stack.settings, f"drill-{limit}", limit) for limit in (UNLIMITED, LIMITED)]
    processes = [GatewayProcess(environment, stack.home / f"{name}.log", port=ports[name]) for name in names]
    addresses = [process.address for process in processes]
    callers = Callers(lambda: [client_of(address, keys[0]) for address in addresses], due, rng, patient)
    with closing(Crew(lambda slot: processes[slot])) as crew:
        crew.open(GATEWAYS)
        for process in processes:
            _await_ready(process)
        yield FrontDoor(crew, callers, addresses, *keys)


def _key(settings: Settings, name: str, limit: int) -> str:
    made = created_key(
        settings,
        env="test",
        owner="drill",
        name=name,
        scopes=list(SCOPES),
        limit_per_minute=limit,
        expires_days=1,
        who="drill",
        why="a drill",
    )
    return str(made["key"])


def _await_ready(process: GatewayProcess) -> None:
    def ready() -> bool:
        try:
            return httpx.get(f"{process.address}/readyz", timeout=2.0, trust_env=False).is_success
        except httpx.HTTPError as error:
            raise Unavailable(f"{process.address} does not answer", why=str(error)) from None

    try:
        until(ready, within_s=READY_WITHIN_S, every_s=0.2)
    except TimedOut:
        raise Unavailable("a gateway does not get ready", why=process.last_words()) from None
