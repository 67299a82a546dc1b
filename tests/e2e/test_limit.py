"""The limit as callers meet it: several processes, real time, Redis' own clock."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx
import pytest

from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import known_key, running_gateway, wait_until_known

pytestmark = [pytest.mark.stack, pytest.mark.slow]

MOST, WINDOW_S = 100, 60.0
LASTS_S = float(os.environ.get("FRAUDML_LIMIT_RUN_S", "75"))


class Asked(NamedTuple):
    """Between sent and heard, in seconds, somebody counted."""

    sent_s: float
    heard_s: float
    allowed: bool


@pytest.fixture
def gateways(fraudml: CommandLine, tmp_path: Path) -> Iterator[list[str]]:
    """Two of them, each of two processes."""
    with running_gateway(fraudml, tmp_path / "one") as one, running_gateway(fraudml, tmp_path / "two") as two:
        yield [one, two]


def ask(address: str, key: str) -> Asked:
    """Over a connection of its own, so that any process may take it."""
    sent_s = time.monotonic()
    answer = httpx.get(f"{address}/v1/decisions/none", headers={"X-API-Key": key}, timeout=10)
    assert answer.status_code in (404, 429), answer.text
    return Asked(sent_s, time.monotonic(), answer.status_code == 404)


def asked_for(lasts_s: float, gateways: list[str], key: str, random: Random) -> Iterator[Asked]:
    """Bursts and pauses: seven a second on average, four times what the limit allows."""
    ends_s = time.monotonic() + lasts_s
    while time.monotonic() < ends_s:
        for _ in range(random.randint(1, 35)):
            yield ask(random.choice(gateways), key)
        time.sleep(random.uniform(0, 4))  # what is looked at is real time


def counted_alone(gateways: list[str]) -> int:
    """How many requests Redis did not answer in their time, by the gateways' own counts."""
    told = "\n".join(httpx.get(f"{address}/metrics").text for address in gateways)
    found = re.findall(r'^fraud_dependency_errors_total\{dependency="redis"\} (\S+)$', told, re.MULTILINE)
    return round(sum(map(float, found)))


def test_no_minute_has_more_than_the_limit_and_none_is_refused_below_it(
    gateways: list[str], fraudml: CommandLine
) -> None:
    """FRAUDML_LIMIT_RUN_S: for how long; more than a window.

    A request that Redis does not answer in its time, on a machine that does other work, is counted by its
    process alone: so many more may pass, and the gateways tell how many these were.
    """
    one, two = gateways
    key = known_key(fraudml, one, "decisions:read", limit=MOST)
    wait_until_known(two, key)
    warmed_s = time.monotonic()
    before = counted_alone(gateways)
    calls = list(asked_for(LASTS_S, gateways, key, Random(3)))
    alone = counted_alone(gateways) - before
    passed = [call for call in calls if call.allowed]
    wrongly_allowed = [
        first
        for first, last in zip(passed, passed[MOST + alone :], strict=False)
        if last.heard_s - first.sent_s < WINDOW_S
    ]
    wrongly_refused = [
        call
        for call in calls
        if not call.allowed
        and call.sent_s > warmed_s + WINDOW_S  # before that, those of the beginning count too
        and sum(call.sent_s - WINDOW_S <= other.heard_s <= call.heard_s for other in passed) < MOST - alone
    ]
    assert (wrongly_allowed, wrongly_refused) == ([], [])
    assert MOST < len(passed) < len(calls)
