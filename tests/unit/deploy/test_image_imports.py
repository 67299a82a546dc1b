"""What the code of an image imports is in the image's lock: nothing is there by luck of another package."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from streams.settings import CHECKOUT

ROOMS = ("models", "streams", "api", "dashboard", "deploy", "load")
# They run where their tools are installed.
PEERS = ("bytewax_batch", "faststream_batch", "quix_batch", "quix_event")
# What an image has no command for: training, the embedded stack, benchmarks, the makers of files.
NOT_RUN = {
    "system": {
        "models/mlflow_registry.py",
        "models/tuning.py",
        "deploy/stack/jars.py",
        "streams/contracts/files.py",
        "load/bench/histogram.py",
        "load/bench/monitor_watcher.py",
        "load/report/charts.py",
        "load/locustfile.py",
        "deploy/backup/places.py",
        "deploy/backup/sealing.py",
        "deploy/grafana/boards.py",
        "deploy/grafana/panels.py",
        *(f"load/peers/tools/{name}.py" for name in PEERS),
    },
    "mlflow": {"deploy/stack/jars.py"},
}
RUN = {
    "system": ("models", "streams", "api", "deploy", "load"),
    "mlflow": ("models", "streams", "deploy/access", "deploy/backup", "deploy/jobs", "deploy/migrations"),
    "dashboard": ("dashboard",),
}


@cache
def distributions() -> dict[str, set[str]]:
    """By what is imported, the packages that bring it."""
    return {name: {plain(each) for each in found} for name, found in packages_distributions().items()}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lower())


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("image", RUN)
def test_every_import_is_in_the_lock_of_the_image(image: str) -> None:
    lock = (CHECKOUT / f"requirements-{image}.lock").read_text()
    pinned = {plain(name) for name in re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE)}
    missing = []
    for file in (file for room in RUN[image] for file in sorted((CHECKOUT / room).rglob("*.py"))):
        name = str(file.relative_to(CHECKOUT))
        others = set(imported(file)) - {*ROOMS, "tests"} - sys.stdlib_module_names
        if name not in NOT_RUN.get(image, set()):
            missing += [
                (name, each) for each in others if not distributions().get(each, {plain(each)}) & pinned
            ]
    assert missing == []
