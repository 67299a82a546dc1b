"""What is in deploy/prometheus and deploy/grafana, read."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from streams.settings import CHECKOUT
from tests.unit.deploy.observability.exposed import OF_TARGETS, Labels
from tests.unit.deploy.observability.queries import grouped_by

PROMETHEUS = CHECKOUT / "deploy" / "prometheus"
GRAFANA = CHECKOUT / "deploy" / "grafana"
RUNBOOKS = CHECKOUT / "docs" / "runbooks"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yaml"))
TEST_FILES = sorted((PROMETHEUS / "tests").glob("*.yaml"))
DASHBOARD_FILES = sorted((GRAFANA / "dashboards").glob("*.json"))


class Query(NamedTuple):
    """where: the alert, the rule or the panel."""

    where: str
    expression: str


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def rules() -> list[dict[str, Any]]:
    return [rule for file in RULE_FILES for group in read(file)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> Labels:
    """Names of recording rules, and the labels that their samples have."""
    found = (rule for rule in rules() if "record" in rule)
    return {rule["record"]: OF_TARGETS | grouped_by(rule["expr"]) for rule in found}


def panels(file: Path) -> list[dict[str, Any]]:
    """Those that show something: a row does not."""
    return [panel for panel in json.loads(file.read_text())["panels"] if panel["type"] != "row"]


def panel_queries() -> list[Query]:
    return [
        Query(f"{file.stem}: {panel['title']}", target["expr"])
        for file in DASHBOARD_FILES
        for panel in panels(file)
        for target in panel["targets"]
    ]


def rule_queries() -> list[Query]:
    return [Query(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
