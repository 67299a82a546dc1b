"""Programs of our own: what they have in common, and the workers, one a slot."""

from collections.abc import Iterable
from typing import ClassVar

import httpx
from pydantic import SecretStr

from deploy.stack.part import PYTHON, Part, Program, Site
from models.errors import Unavailable
from streams.files_of_secrets import SUFFIX, HeldAddress, HeldSecret
from streams.roles import Role, acting_as, role_fields
from streams.settings import CHECKOUT, Settings, variable_of

STORES = ("kafka", "valkey", "postgres")
# Told by the stack itself, or by its own environment.
PORTS = ("metrics_port", "reconciler_port", "gateway_port", "monitor_port", "monitor_metrics_port")
NOT_PASSED = ("home", "slot", "gateway_url", *PORTS)
# What opens the gateway, or the monitor opens it with, is none of the workers' business.
OF_THE_GATEWAY, OF_THE_MONITOR = ("api_key", "key_pepper", "key_pepper_previous"), ("monitor_key",)
OF_STORES = ("database_url", "redis_url", *role_fields())
OF_ONE = {*NOT_PASSED, *OF_THE_GATEWAY, *OF_THE_MONITOR}
OF_ALL = tuple(field for field in Settings.model_fields if field not in OF_ONE)
# The cores are shared out by starting workers, not by each of them computing on all cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PREFIX = "worker-"
ANSWERS_WITHIN_S = 2.0


def worker_name(slot: int) -> str:
    return f"{PREFIX}{slot}"


class OwnProgram(Part):
    """One that is told where the stores are, keeps all it knows in them, and answers on a port.

    port_field: the setting by which it is told the port. role: in which it acts towards the stores; None for
    one that has no business with them.
    """

    needs = STORES
    steady_after_s = 5
    port_field: ClassVar[str]
    role: ClassVar[Role | None]

    def prepare(self) -> None:
        """Nothing: it has no data of its own."""

    def environment(self) -> dict[str, str]:
        port = {variable_of(self.port_field): str(self.site.ports[self.name])}
        return {**ONE_THREAD, **self._told(), **port, "PYTHONPATH": str(CHECKOUT)}

    def _told(self) -> dict[str, str]:
        if self.role is None:
            return passed_on(self.site.settings, [field for field in OF_ALL if field not in OF_STORES])
        return passed_on(acting_as(self.site.settings, self.role))

    def probe(self) -> bool:
        try:
            self._ask("/healthz").raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.name} does not answer", why=str(error)) from None
        return True

    def is_ready(self) -> bool:
        """Whether it has all that it works with, models too; it may serve long before."""
        try:
            return self._ask("/readyz").is_success
        except httpx.HTTPError:
            return False

    def address(self) -> str:
        return self.site.address(self.name)

    def url(self) -> str:
        return f"http://{self.site.address(self.name)}"

    def metrics_url(self) -> str:
        return f"{self.url()}/metrics"

    def _ask(self, path: str) -> httpx.Response:
        return httpx.get(self.url() + path, timeout=ANSWERS_WITHIN_S, trust_env=False)


class Worker(OwnProgram):
    kind = "worker"
    role = "worker"
    stop_within_s = 30
    port_field = "metrics_port"

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


def passed_on(settings: Settings, fields: Iterable[str] = OF_ALL) -> dict[str, str]:
    """What was set of these, the stores' addresses too, for a process whose environment is made anew."""
    chosen = {field: getattr(settings, field) for field in fields if field in settings.model_fields_set}
    return dict(_told(field, value) for field, value in chosen.items() if value not in (None, ""))


def _told(field: str, value: object) -> tuple[str, str]:
    """A secret of a file is told by the file, so that it is read again there."""
    if isinstance(value, HeldAddress | HeldSecret):
        return variable_of(field) + SUFFIX, str(value.file)
    return variable_of(field), _as_text(value)


def _as_text(value: object) -> str:
    """As the variable is written; a secret in full, as the process is to use it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)
