"""A rolling upgrade under traffic, for real: the version before goes on while its schema becomes the next.

Needs the images of both versions: those of this checkout, and those of the one before under tags of their
own, for example `docker tag fraud-ml-system:0.1.0 fraud-ml-system:before` ahead of `docker compose build`.

    python -m tests.images.upgrade --from fraud-ml-system:before --mlflow-from fraud-ml-mlflow:before
"""

import argparse
import itertools
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.stack.waiting import TimedOut, until
from streams.settings import CHECKOUT
from tests.images.compose import PORTS, Compose, Failed, fail, say

STORES = ("kafka", "redis", "postgres", "mlflow")
NEXT = {"worker": "worker-next", "api": "api-next"}
PHASE_S, CALLS_PER_S, RECORDS_PER_S = 10.0, 20.0, 100.0
# The limit of a key that is made without a word is below what is asked here.
KEY = "fraudml keys create --owner upgrade --name upgrade --limit 100000"
STREAMED = """
fraudml generate --customers 400 --days 30 --prefix upgrade- --out /tmp/sent.parquet >&2 &&
fraudml replay /tmp/sent.parquet --map generated --rate {rate} --json
"""


def overrides(system: str, mlflow: str) -> str:
    """The version before under the names of the file, this one's worker and gateway beside it."""
    file = CHECKOUT / "docker-compose.yml"
    # A version from before the keys that sign models asks for no signature, and has no folder for them.
    unsigned = '    environment: { FRAUDML_MODEL_PUBLIC_KEY: "" }'
    lines = [f"  {name}:\n    image: {system}\n{unsigned}" for name in ("worker", "api")]
    lines += [f"  {name}:\n    image: {mlflow}" for name in ("mlflow", "bootstrap")]
    lines.append('    volumes: !override ["secrets:/var/lib/fraudml/secrets"]')
    for name, later in NEXT.items():
        lines += [
            f"  {later}:",
            f"    extends: {{ file: {json.dumps(str(file))}, service: {name} }}",
            '    volumes: !override ["/var/lib/fraudml", "secrets:/var/lib/fraudml/secrets:ro"]',
        ]
        if name in PORTS:
            lines.append(f'    ports: !override ["127.0.0.1::{PORTS[name]}"]')
    later_file = f"{{ file: {json.dumps(str(file))}, service: bootstrap }}"
    lines.append(f"  bootstrap-next:\n    extends: {later_file}")
    return "services:\n" + "\n".join(lines) + "\n"


@dataclass
class Traffic:
    """Requests for decisions, one after another, to gateways in turn: as a balancer before them does."""

    key: str
    gateways: list[str]
    told: Counter[str] = field(default_factory=Counter)
    by_log: int = 0  # told with 202: the ledger takes the decision from Kafka
    refused: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        with httpx.Client(headers={"X-API-Key": self.key}, timeout=10) as caller:
            for number in itertools.count():
                if stop.wait(1 / CALLS_PER_S):
                    return
                self._ask(caller, number)

    def _ask(self, caller: httpx.Client, number: int) -> None:
        gateway = self.gateways[number % len(self.gateways)]
        asked = {
            "transaction_id": f"rolled-{number}",
            "customer_id": f"upgrade-c{number % 50}",
            "terminal_id": "upgrade-t",
            "amount_minor": 4200,
            "currency": "EUR",
            "event_time": "2018-06-01T12:00:00Z",
        }
        try:
            answer = caller.post(f"{gateway}/v1/score", json=asked)
        except httpx.HTTPError as error:
            self.refused.append(f"{number}: {error!r}")
            return
        if answer.status_code not in (200, 202):
            self.refused.append(f"{number}: {answer.status_code} {answer.text[:200]}")
            return
        self.told[gateway] += 1
        self.by_log += answer.status_code == 202


@contextmanager
def flowing(traffic: Traffic) -> Iterator[None]:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(traffic.run, stop)
        try:
            yield
        finally:
            stop.set()
            running.result()


def upgrade(compose: Compose) -> None:
    # Containers of the version before are not made anew because the file has changed since.
    compose("up", "-d", "--wait", *STORES, *NEXT, within_s=1500)
    say("up: the version before")
    traffic = Traffic(_known_key(compose), [compose.address("api")])
    with flowing(traffic), ThreadPoolExecutor(1) as pool:
        streamed = pool.submit(compose.once, STREAMED.format(rate=RECORDS_PER_S), within_s=900)
        _phase("the version before alone", traffic)
        compose("run", "--rm", "--no-deps", "-T", "bootstrap-next", within_s=600)
        say("the schema is this version's")
        _phase("the version before, on the next schema", traffic)
        compose("up", "-d", "--no-deps", "--wait", *NEXT.values(), within_s=300)
        traffic.gateways = [compose.address("api"), compose.address(NEXT["api"])]
        _phase("both beside each other", traffic)
        traffic.gateways = traffic.gateways[1:]
        time.sleep(1)  # as a balancer takes a gateway out before it is stopped
        compose("stop", *NEXT)
        _phase("this version alone", traffic)
        sent = _sent(streamed)
    _judged(compose, traffic, sent)


def _known_key(compose: Compose) -> str:
    """One that the gateway has heard of: it looks for new ones every second or two."""
    key, page = compose.once(KEY).strip(), f"{compose.address('api')}/v1/decisions/none"
    until(lambda: httpx.get(page, headers={"X-API-Key": key}, timeout=10).status_code == 404, within_s=30)
    return key


def _phase(name: str, traffic: Traffic) -> None:
    before = traffic.told.total()
    try:
        until(lambda: traffic.told.total() >= before + PHASE_S * CALLS_PER_S / 2, within_s=6 * PHASE_S)
    except TimedOut:
        raise Failed(
            f"{name}: only {traffic.told.total() - before} answers, {traffic.refused[-1:]}"
        ) from None
    say(f"{name}: {traffic.told.total() - before} answered, {len(traffic.refused)} refused so far")


def _sent(streamed: "Future[str]") -> int:
    sent = json.loads(streamed.result(900))
    return int(sent["transactions"])


def _judged(compose: Compose, traffic: Traffic, sent: int) -> None:
    found = json.loads(compose.once("fraudml reconcile --json"))
    say(f"streamed and applied meanwhile: {sent:,}; reconcile: {found['records']:,} records")
    if found["findings"] or found["reconciled_ratio"] != 1:
        raise Failed(f"reconcile: {found['findings']} findings, {found['reconciled_ratio']:.4%} proven")
    if traffic.refused:
        told = "\n".join((*traffic.refused[:10], *traffic.refused[10:][-10:]))
        raise Failed(f"{len(traffic.refused)} requests failed, among them\n{told}")
    say(f"answered by REST: {traffic.told.total():,}, {traffic.by_log} of them by the log alone; none failed")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.images.upgrade")
    parser.add_argument("--from", dest="system", required=True, metavar="IMAGE")
    parser.add_argument("--mlflow-from", required=True, metavar="IMAGE")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fraudml-upgrade-") as folder:
        compose = Compose(Path(folder), more=overrides(chosen.system, chosen.mlflow_from))
        compose.prepare()
        try:
            upgrade(compose)
        except Failed as failure:
            return fail([str(failure)])
        finally:
            compose("down", "--volumes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
