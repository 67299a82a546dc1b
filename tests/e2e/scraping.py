"""Prometheus, Debian's, beside a running stack: it scrapes what runs, by our rules, and answers queries."""

import json
import math
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from deploy.stack.ports import assign
from deploy.stack.stack import Stack
from deploy.stack.waiting import TimedOut, until
from models.errors import Unavailable
from tests.unit.deploy.observability.queries import filled
from tests.unit.deploy.observability.rules import RULE_FILES, panel_queries

PROGRAM = "prometheus"
STARTS_WITHIN_S = 60.0
SCRAPED_EVERY_S = 2
STEP_S = 5


class Shown(NamedTuple):
    """panel: dashboard and title. values: those that are numbers."""

    panel: str
    query: str
    values: int


def is_here() -> bool:
    return shutil.which(PROGRAM) is not None


def targets_of(stack: Stack) -> dict[str, list[str]]:
    """Addresses of what runs and has metrics, by the job that scrapes it."""
    found: dict[str, list[str]] = {}
    for part in stack.status():
        if part.runs and part.metrics_url:
            job = part.part.partition("-")[0]
            found.setdefault(job, []).append(httpx.URL(part.metrics_url).netloc.decode())
    return found


@contextmanager
def running_prometheus(targets: dict[str, list[str]], folder: Path) -> Iterator[str]:
    """Its address.

    Raises:
        TimedOut: it does not get ready.
    """
    config = folder / "prometheus.json"
    config.write_text(json.dumps(_configuration(targets)))
    port = assign([PROGRAM], {}, given={}).ports[PROGRAM]
    address = f"http://127.0.0.1:{port}"
    command = [
        PROGRAM,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'samples'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(lambda: _is_ready(address), within_s=STARTS_WITHIN_S, every_s=0.2)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def shown_since(address: str, began_s: float) -> list[Shown]:
    """What every panel's query has given from then until now, asked as Grafana asks it."""
    return [
        Shown(where, query, sum(_numbers(address, filled(query), began_s)))
        for where, query in panel_queries()
    ]


def wait_for_all(address: str, began_s: float, within_s: float) -> list[Shown]:
    """The panels as they are once every one of them shows something, or once the time is over."""
    seen: list[Shown] = []

    def complete() -> bool:
        seen[:] = shown_since(address, began_s)
        return all(shown.values for shown in seen)

    with suppress(TimedOut):
        until(complete, within_s=within_s, every_s=2.0)
    return seen


def ask(address: str, path: str, **params: Any) -> Any:
    answer = httpx.get(f"{address}/api/v1/{path}", params=params, timeout=30, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()["data"]


def _configuration(targets: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": f"{SCRAPED_EVERY_S}s", "evaluation_interval": f"{SCRAPED_EVERY_S}s"},
        "rule_files": [str(file) for file in RULE_FILES],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": addresses}]}
            for job, addresses in targets.items()
        ],
    }


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/-/ready", timeout=2, trust_env=False).is_success
    except httpx.HTTPError as error:
        raise Unavailable("Prometheus does not answer", why=str(error)) from None


def _numbers(address: str, query: str, began_s: float, now: Callable[[], float] = time.time) -> Sequence[int]:
    """How many numbers each of its lines has."""
    found = ask(address, "query_range", query=query, start=began_s, end=now(), step=STEP_S)
    return [sum(not math.isnan(float(value)) for _, value in line["values"]) for line in found["result"]]
