"""The parts there are, in the order of their start."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from deploy.stack.gateway import Gateway
from deploy.stack.kafka import Kafka
from deploy.stack.mlflow import Mlflow
from deploy.stack.monitor import METRICS, MONITOR, Monitor
from deploy.stack.part import Part, Site
from deploy.stack.postgres import Postgres
from deploy.stack.reconciler import Reconciler
from deploy.stack.valkey import Valkey
from deploy.stack.workers import PREFIX, OwnProgram, Worker, given_ports, worker_name
from models.errors import NotFound
from streams.settings import Settings, variable_of

KINDS: dict[str, type[Part]] = {kind.kind: kind for kind in (Kafka, Valkey, Postgres, Mlflow)}
SERVICES = tuple(KINDS)
# What runs beside the workers, one of each.
COMPANIONS: dict[str, type[OwnProgram]] = {kind.kind: kind for kind in (Gateway, Reconciler, Monitor)}


def kind_of(name: str) -> type[Part]:
    """The kind of a part, by its name.

    Raises:
        NotFound: there is no such part.
    """
    if name in KINDS:
        return KINDS[name]
    if name in COMPANIONS:
        return COMPANIONS[name]
    if name.startswith(PREFIX) and name.removeprefix(PREFIX).isdecimal():
        return Worker
    raise NotFound(
        f"there is no part {name}",
        next_step=f"use one of {', '.join((*SERVICES, worker_name(0), *COMPANIONS))}",
    )


def port_names(names: Iterable[str]) -> list[str]:
    return [port for name in in_start_order(names) for port in (name, *kind_of(name).more_ports)]


def slots_of(names: Iterable[str]) -> list[int]:
    return sorted(int(name.removeprefix(PREFIX)) for name in names if name.startswith(PREFIX))


def in_start_order(names: Iterable[str]) -> list[str]:
    names = set(names)
    services = [name for name in SERVICES if name in names]
    companions = [name for name in COMPANIONS if name in names]
    return [*services, *map(worker_name, slots_of(names)), *companions]


def build(names: Iterable[str], site: Site) -> list[Part]:
    """The parts of these names, in the order of their start; our own are told where the services are."""
    ordered = in_start_order(names)
    services = [KINDS[name](site) for name in ordered if name in KINDS]
    told = replace(site, settings=addressed(site.settings, addresses(services)))
    workers = [Worker(told, slot) for slot in slots_of(ordered)]
    return [*services, *workers, *(COMPANIONS[name](told) for name in ordered if name in COMPANIONS)]


class ChosenPorts(NamedTuple):
    """given: as the user has set them. preferred: those of a default, taken where they are free."""

    given: dict[str, int]
    preferred: dict[str, int]


def chosen_ports(names: Iterable[str], settings: Settings) -> ChosenPorts:
    """What the settings say of the ports of our own programs; a port of 0 says nothing."""
    names = set(names)
    found = ChosenPorts(given_ports(settings, slots_of(names)), {})
    for name in COMPANIONS.keys() & names:
        field = COMPANIONS[name].port_field
        if port := getattr(settings, field):
            (found.given if field in settings.model_fields_set else found.preferred)[name] = port
    if settings.monitor_metrics_port and MONITOR in names:
        found.given[METRICS] = settings.monitor_metrics_port
    return found


def addresses(parts: Iterable[Part]) -> dict[str, str]:
    """The environment variables by which these parts are found."""
    return {variable: value for part in parts for variable, value in part.stack_env().items()}


def addressed(settings: Settings, found: dict[str, str]) -> Settings:
    """The settings, with the stack's addresses in place of what was set."""
    fields = {variable_of(field): field for field in Settings.model_fields}
    return settings.model_copy(update={fields[variable]: value for variable, value in found.items()})
