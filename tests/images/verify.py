"""The images and docker-compose.yml, for real, on the Docker engine of this machine: `make verify-images`.

It builds, starts everything, sends transactions through, reads the alerts, restarts each service, and takes
everything down. What it proves it prints, with figures; it ends with 1 at the first thing that is not so.

    python -m tests.images.verify [--without grafana] [--keep] [--no-build]
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from deploy.stack.waiting import TimedOut, until
from tests.images.compose import PROJECT, Compose, Failed, docker, fail, say

WORKER_IMAGE = "fraud-ml-system:0.1.0"
MEBI, LARGEST_WORKER_MB = 1_000_000, 700
# 1.9 transactions a customer and day.
CUSTOMERS, DAYS, LEAST_TRANSACTIONS = 600, 10, 10_000
WELL_WITHIN_S, UP_WITHIN_S = 240.0, 1500.0
SERVICES = (
    "kafka",
    "redis",
    "postgres",
    "mlflow",
    "worker",
    "reconciler",
    "api",
    "dashboard",
    "prometheus",
    "grafana",
)
SEND = """
fraudml generate --customers {customers} --days {days} --prefix {prefix}- --out /tmp/sent.parquet >&2 &&
fraudml replay /tmp/sent.parquet --map generated --json
"""


def verify(compose: Compose, services: Sequence[str], *, build: bool) -> None:
    if build:
        _timed("built", lambda: compose("build", within_s=3600))
    _sizes(compose)
    _timed("up and healthy", lambda: compose("up", "-d", "--wait", *services, within_s=UP_WITHIN_S))
    _well(compose, services)
    say(f"healthy: {', '.join(services)}")
    _bootstrapped(compose, "bootstrap: done")
    sent = _send(compose, "first", CUSTOMERS, DAYS)
    if sent["transactions"] < LEAST_TRANSACTIONS:
        raise Failed(f"only {sent['transactions']} transactions were sent")
    _alerts(compose)
    _reconciled(compose)
    _answers(compose, "asked-at-first")
    _page(compose)
    for service in services:
        _restarted(compose, services, service)
    _reconciled(compose)
    _timed("up again", lambda: compose("up", "-d", "--wait", *services, within_s=UP_WITHIN_S))
    _bootstrapped(compose, "bootstrap: all was there, nothing was changed")
    _timed("down", lambda: compose("down"))
    if left := docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}"):
        raise Failed(f"containers are left: {left}")
    say("all of it is so")


def _timed(what: str, call: Any) -> None:
    began = time.monotonic()
    call()
    say(f"{what}: {time.monotonic() - began:.0f} s")


def _sizes(compose: Compose) -> None:
    images = sorted(set(compose("config", "--images").split()))
    for image in images:
        try:
            size = int(docker("image", "inspect", "--format", "{{.Size}}", image)) / MEBI
            label = docker("image", "inspect", "--format", '{{index .Config.Labels "standin"}}', image)
        except subprocess.CalledProcessError:
            say(f"image {image}: is not here")
            continue
        say(f"image {image}: {size:.0f} MB" + (f", a stand-in: {label}" if label else ""))
        if image == WORKER_IMAGE and size > LARGEST_WORKER_MB:
            raise Failed(f"{image} has {size:.0f} MB, more than {LARGEST_WORKER_MB}")


def _well(compose: Compose, services: Sequence[str]) -> None:
    try:
        until(lambda: _all_healthy(compose, services), within_s=WELL_WITHIN_S, every_s=1)
    except TimedOut:
        raise Failed(f"not all are healthy: {compose.health()}") from None


def _all_healthy(compose: Compose, services: Sequence[str]) -> bool:
    found = compose.health()
    return all(found.get(name) == "healthy" for name in services)


def _bootstrapped(compose: Compose, word: str) -> None:
    said = compose("logs", "--no-log-prefix", "bootstrap").strip().splitlines()
    if not said or said[-1] != word:
        raise Failed(f"bootstrap did not end with {word!r}:\n" + "\n".join(said))
    say(word)


def _send(compose: Compose, prefix: str, customers: int, days: int) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(
        compose.once(SEND.format(customers=customers, days=days, prefix=prefix))
    )
    say(f"decided and applied: {sent['transactions']:,} transactions at {sent['tx_per_s']:,.0f} a second")
    return sent


def _alerts(compose: Compose) -> None:
    """As any subscriber reads them: committed ones alone, each once."""
    found = [json.loads(line)["alert_id"] for line in compose.once("fraudml alerts").splitlines()]
    if not found or len(found) != len(set(found)):
        raise Failed(f"{len(found)} alerts, {len(set(found))} different ones")
    say(f"alerts: {len(found):,}, each once")


def _reconciled(compose: Compose) -> None:
    found = json.loads(compose.once("fraudml reconcile --json"))
    if found["findings"] or found["reconciled_ratio"] != 1:
        raise Failed(f"reconcile: {found['findings']} findings, {found['reconciled_ratio']:.4%} proven")
    say(f"reconcile: {found['records']:,} records, all proven, no finding")


def _answers(compose: Compose, prefix: str) -> None:
    """A decision by HTTP, through the published port; each try under an id of its own, as answers stand."""
    asked = {
        "customer_id": "verify-c",
        "terminal_id": "verify-t",
        "amount_minor": 4200,
        "currency": "EUR",
        "event_time": "2018-06-01T12:00:00Z",
    }
    headers = {"X-API-Key": compose.secret("API_KEY")}
    url = f"{compose.address('api')}/v1/score"
    numbers = itertools.count()

    def decided() -> bool:
        body = asked | {"transaction_id": f"{prefix}-{next(numbers)}"}
        try:
            answer = httpx.post(url, json=body, headers=headers, timeout=10)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and not answer.json()["degraded_reason"]

    try:
        until(decided, within_s=60, every_s=0.5)
    except TimedOut:
        raise Failed(f"the gateway gave no whole decision on {prefix}-* within 60 s") from None


def _page(compose: Compose) -> None:
    asked = {"Accept": "text/html"}  # as a browser does; others are told 401
    answer = httpx.get(compose.address("dashboard"), headers=asked, follow_redirects=True, timeout=10)
    if answer.status_code >= 400 or "<html" not in answer.text.lower():
        raise Failed(f"the monitor answers {answer.status_code}")
    say("the monitor shows its page")


def _restarted(compose: Compose, services: Sequence[str], service: str) -> None:
    began = time.monotonic()
    compose("restart", service)
    _well(compose, services)
    took = time.monotonic() - began
    sent = json.loads(compose.once(SEND.format(customers=20, days=5, prefix=f"after-{service}")))
    _answers(compose, f"asked-after-{service}")
    say(f"restarted {service}: all healthy after {took:.0f} s, {sent['transactions']} more decided")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.images.verify")
    parser.add_argument("--without", action="append", default=[], choices=SERVICES, metavar="SERVICE")
    parser.add_argument("--keep", action="store_true", help="leave it running after a failure")
    parser.add_argument("--no-build", action="store_true")
    chosen = parser.parse_args(arguments)
    services = [name for name in SERVICES if name not in chosen.without]
    for name in chosen.without:
        say(f"not run: {name}")
    with tempfile.TemporaryDirectory(prefix="fraudml-verify-") as folder:
        compose = Compose(Path(folder))
        compose.prepare()
        try:
            verify(compose, services, build=not chosen.no_build)
        except Failed as failure:
            return fail([str(failure)])
        finally:
            if not chosen.keep:
                compose("down", "--volumes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
