"""All checks, in the order a person would go about it."""

from deploy.doctor.findings import Finding
from deploy.doctor.machine import check_machine
from deploy.doctor.stores import check_stores
from streams.settings import Settings


def checkup(settings: Settings) -> list[Finding]:
    return [*check_machine(settings), *check_stores(settings)]
