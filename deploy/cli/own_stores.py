"""Which services `up` starts: not those whose address the user has set, for these the user runs."""

from collections.abc import Callable, Sequence

from deploy.origins import ADDRESSES, SET_BY_USER, Origin, origins
from deploy.stack.parts import SERVICES


def to_start(asked: Sequence[str] | None, note: Callable[[str], None]) -> list[str]:
    return left_to_us(asked or SERVICES, origins(), note)


def left_to_us(services: Sequence[str], found: dict[str, Origin], note: Callable[[str], None]) -> list[str]:
    ours: list[str] = []
    for service in services:
        origin = found[ADDRESSES[service]] if service in ADDRESSES else "default"
        if origin in SET_BY_USER:
            note(f"{service} is not started: its address is set in {_where(origin)}")
        else:
            ours.append(service)
    if "mlflow" in ours and found["database_url"] in SET_BY_USER:
        note("mlflow is not started: it keeps its tables in the stack's own postgres")
        ours.remove("mlflow")
    return ours


def _where(origin: Origin) -> str:
    return ".env" if origin == ".env" else "the environment"
