"""A rolling upgrade under traffic, for real: the version before goes on while its schema becomes the next.

Needs the images of both versions: those of this checkout, and those of the one before under tags of their
own, for example `docker tag fraud-ml-system:0.1.0 fraud-ml-system:before` ahead of `docker compose build`.

    python -m tests.images.upgrade --from fraud-ml-system:before --mlflow-from fraud-ml-mlflow:before
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from deploy.stack.waiting import TimedOut
from streams.settings import CHECKOUT
from tests.e2e.gateways import wait_until_known
from tests.e2e.rotations import Callers, going_on
from tests.images.compose import PORTS, Compose, Failed, fail, say

STORES = ("kafka", "redis", "postgres", "mlflow")
NEXT = {"worker": "worker-next", "api": "api-next"}
# In each phase; and what is streamed meanwhile.
ANSWERS, RECORDS_PER_S = 200, 100.0
UP_WITHIN_S, STREAMED_WITHIN_S = 1500.0, 900.0
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


class Balanced(Callers):
    """Each gateway in turn: as a balancer before them does."""

    def ask(self) -> httpx.Response:
        self.addresses = [*self.addresses[1:], self.addresses[0]]
        return super().ask()


def upgrade(compose: Compose) -> None:
    compose("up", "-d", "--wait", *STORES, *NEXT, within_s=UP_WITHIN_S)
    say("up: the version before")
    callers = Balanced([compose.address("api")], _known_key(compose))
    with ThreadPoolExecutor(1) as pool, going_on(callers):
        streamed = pool.submit(compose.once, STREAMED.format(rate=RECORDS_PER_S), within_s=STREAMED_WITHIN_S)
        _phase("the version before alone", callers)
        compose("run", "--rm", "--no-deps", "-T", "bootstrap-next")
        say("the schema is this version's")
        _phase("the version before, on the next schema", callers)
        # With its dependencies, the gateway of before would be made anew.
        compose("up", "-d", "--no-deps", "--wait", *NEXT.values())
        callers.addresses = [compose.address("api"), compose.address(NEXT["api"])]
        _phase("both beside each other", callers)
        callers.addresses = [compose.address(NEXT["api"])]
        # As a balancer takes a gateway out before it is stopped.
        callers.go_on(2)
        compose("stop", *NEXT)
        _phase("this version alone", callers)
        sent = int(json.loads(streamed.result())["transactions"])
    _judged(compose, callers, sent)


def _known_key(compose: Compose) -> str:
    """One that the gateway has heard of: it looks for new ones every second or two."""
    key = compose.once(KEY).strip()
    wait_until_known(compose.address("api"), key)
    return key


def _phase(name: str, callers: Callers) -> None:
    callers.go_on(ANSWERS)
    say(f"{name}: {callers.answered:,} answered so far, {len(callers.failures)} failed")


def _judged(compose: Compose, callers: Callers, sent: int) -> None:
    found = json.loads(compose.once("fraudml reconcile --json"))
    say(f"streamed and applied meanwhile: {sent:,}; reconcile: {found['records']:,} records")
    if found["findings"] or found["reconciled_ratio"] != 1:
        raise Failed(f"reconcile: {found['findings']} findings, {found['reconciled_ratio']:.4%} proven")
    if callers.failures:
        told = "\n".join(callers.failures[:10])
        raise Failed(f"{len(callers.failures)} requests failed, first of all\n{told}")
    by_log = callers.answers[202]
    say(f"answered by REST: {callers.answered:,}, {by_log} of them by the log alone; none failed")


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
        except (Failed, TimedOut) as failure:
            return fail([str(failure)])
        finally:
            compose("down", "--volumes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
