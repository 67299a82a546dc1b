"""PromQL taken apart: which metrics a query names, and which labels it goes by."""

import re
from typing import NamedTuple

import promql_parser

# Grafana's own, and the choices above a dashboard.
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*", "$variant": ".*"}


class Named(NamedTuple):
    """matched: labels that select samples of the metric."""

    metric: str
    matched: set[str]


def filled(query: str) -> str:
    """A panel's query as Prometheus is asked it."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def metrics_of(query: str) -> list[Named]:
    found: list[Named] = []

    def visit(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            labels = {matcher.name for matcher in node.matchers.matchers}
            found.append(Named(node.name or "", labels - {"__name__"}))

    promql_parser.walk(promql_parser.parse(filled(query)), visit)
    return found


def grouped_by(query: str) -> set[str]:
    """Labels that it aggregates or matches by."""
    lists = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", query)
    return {label.strip() for each in lists for label in each.split(",") if label.strip()}
