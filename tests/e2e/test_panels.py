"""A real Prometheus scrapes the real stack: every panel shows something while the demo runs."""

from pathlib import Path

import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import CommandLine
from tests.e2e.panels import panels_during_a_demo
from tests.e2e.scraping import ask, is_here, running_prometheus, targets_of

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.skipif(not is_here(), reason="Prometheus is not here: apt-get install prometheus"),
]


def test_every_query_of_every_panel_gives_numbers_while_the_demo_runs(
    fraudml: CommandLine, tmp_path: Path
) -> None:
    shown = panels_during_a_demo(fraudml, tmp_path)
    assert len(shown) > 30
    assert [(each.panel, each.query) for each in shown if not each.values] == []


def jobs_of(address: str) -> set[str]:
    """What it has set out to scrape."""
    return {each["labels"]["job"] for each in ask(address, "targets")["activeTargets"]}


def test_prometheus_reaches_all_that_runs_and_takes_all_rules(fraudml: CommandLine, tmp_path: Path) -> None:
    targets = targets_of(fraudml.stack)
    assert set(targets) == {"worker", "gateway", "reconciler", "monitor"}
    with running_prometheus(targets, tmp_path) as address:
        until(lambda: jobs_of(address) == set(targets), within_s=30.0)
        groups = ask(address, "rules")["groups"]
    assert {rule["type"] for group in groups for rule in group["rules"]} == {"alerting", "recording"}
    assert all(rule["health"] != "err" for group in groups for rule in group["rules"])
