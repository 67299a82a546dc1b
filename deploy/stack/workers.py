"""Programs of our own: what they have in common, and the workers, one a slot."""

from collections.abc import Iterable
from typing import ClassVar

import httpx
from pydantic import SecretStr

from deploy.stack.part import PYTHON, Part, Program, Site
from models.errors import Unavailable
from streams.settings import CHECKOUT, Settings, variable_of

STORES = ("kafka", "valkey", "postgres")
# Told by the stack itself, or by its own environment.
NOT_PASSED = ("home", "slot", "metrics_port", "reconciler_port")
# What opens the gateway is none of the workers' business.
OF_THE_GATEWAY = ("api_key", "key_pepper")
# The cores are shared out by starting workers, not by each of them computing on all cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PREFIX = "worker-"


def worker_name(slot: int) -> str:
    return f"{PREFIX}{slot}"


class OwnProgram(Part):
    """One that is told where the stores are, keeps all it knows in them, and answers on a port.

    port_variable: the setting by which it is told the port.
    """

    needs = STORES
    steady_after_s = 5
    port_variable: ClassVar[str]

    def prepare(self) -> None:
        """Nothing: it has no data of its own."""

    def environment(self) -> dict[str, str]:
        own = {self.port_variable: str(self.site.ports[self.name]), "PYTHONPATH": str(CHECKOUT)}
        return {**ONE_THREAD, **passed_on(self.site.settings), **own}

    def probe(self) -> bool:
        try:
            httpx.get(f"http://{self.address()}/healthz", timeout=2.0, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.name} does not answer", why=str(error)) from None
        return True

    def address(self) -> str:
        return self.site.address(self.name)

    def metrics_url(self) -> str:
        return f"http://{self.address()}/metrics"


class Worker(OwnProgram):
    kind = "worker"
    stop_within_s = 30
    port_variable = "FRAUDML_METRICS_PORT"

    def __init__(self, site: Site, slot: int) -> None:
        super().__init__(site)
        self.slot = slot

    @property
    def name(self) -> str:
        return worker_name(self.slot)

    def program(self) -> Program:
        command = (PYTHON, "-m", "deploy.cli.main", "worker", "--slot", str(self.slot))
        return Program(command, self.environment())


def given_ports(settings: Settings, slots: Iterable[int]) -> dict[str, int]:
    """The workers' ports, where the setting names the first one."""
    first = settings.metrics_port
    return {worker_name(slot): first + slot for slot in slots} if first else {}


def passed_on(settings: Settings) -> dict[str, str]:
    """What was set, the stores' addresses too, for a process whose environment is made anew."""
    fields = settings.model_fields_set - {*NOT_PASSED, *OF_THE_GATEWAY}
    chosen = {field: getattr(settings, field) for field in Settings.model_fields if field in fields}
    return {variable_of(field): _as_text(value) for field, value in chosen.items() if value is not None}


def _as_text(value: object) -> str:
    """As the variable is written; a secret in full, as the process is to use it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)
