"""Rules of Prometheus: valid, shown to fire and to be quiet, each alert with a page that says what to do."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.observability.rules import (
    PROMETHEUS,
    RULE_FILES,
    RUNBOOKS,
    TEST_FILES,
    alerts,
    read,
    recorded,
)

# Of the user's guide: troubles that no single alert stands for.
GUIDE = {"pods-not-starting", "high-latency", "database-connections"}
ALERTS = {alert["alert"]: alert for alert in alerts()}


def promtool(*arguments: str | Path) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not here: apt-get install prometheus")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def test_prometheus_takes_the_configuration() -> None:
    assert "SUCCESS" in promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")


def test_prometheus_takes_every_rule() -> None:
    said = promtool("check", "rules", "--lint-fatal", *RULE_FILES)
    assert said.count("SUCCESS") == len(RULE_FILES)


@pytest.mark.slow
@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_rules_fire_when_they_should_and_not_before(file: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", file)


def test_every_alert_is_shown_to_fire_and_to_be_quiet() -> None:
    fired: set[str] = set()
    quiet = 0
    for file in TEST_FILES:
        for test in read(file)["tests"]:
            for look in test["promql_expr_test"]:
                text = " ".join(sample["labels"] for sample in look["exp_samples"])
                fired |= set(re.findall(r'alertname="(\w+)"', text))
                quiet += not look["exp_samples"]
    assert fired == set(ALERTS)
    # Each look that expects nothing is one at all alerts of its rules.
    assert quiet > len(ALERTS)


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    notes = alert["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert len(notes["summary"]) > 20
    assert notes["description"].endswith(".")
    assert notes["runbook_url"] == f"docs/runbooks/{kebab(alert['alert'])}.md"
    assert (RUNBOOKS / f"{kebab(alert['alert'])}.md").is_file()


def test_every_runbook_has_its_alert_or_is_of_the_guide_and_all_are_in_the_index() -> None:
    pages = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == {kebab(name) for name in ALERTS} | GUIDE
    listed = set(re.findall(r"\]\(([a-z-]+)\.md\)", (RUNBOOKS / "README.md").read_text()))
    assert listed == pages


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*-*.md")), ids=lambda page: page.stem)
def test_a_runbook_says_what_it_means_where_to_look_and_what_to_do(page: Path) -> None:
    headings = re.findall(r"(?m)^## (.+)$", page.read_text())
    assert headings == ["What it means", "Look", "Do"]


def test_jobs_are_called_what_the_rules_call_them() -> None:
    configured = {job["job_name"] for job in read(PROMETHEUS / "prometheus.yml")["scrape_configs"]}
    text = "".join(file.read_text() for file in RULE_FILES)
    named = {name for each in re.findall(r'job=~?"([a-z|]+)"', text) for name in each.split("|")}
    assert named == configured - {"prometheus"}


def test_what_is_recorded_is_used() -> None:
    folder = PROMETHEUS.parent
    used = "".join(
        file.read_text() for file in (*RULE_FILES, *(folder / "grafana" / "dashboards").glob("*.json"))
    )
    assert [name for name in recorded() if used.count(name) < 2] == []
