"""A dashboard around its rows of panels: time, variables, marks of promotions, links to the others."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana.panels import PROMETHEUS, SECOND, row

TAG = "fraudml"
# When another version decides: its info metric was not there a few minutes before.
IN_FORCE = 'fraud_model_info{job="worker"}'
PROMOTIONS = f"group by (variant, model, version) ({IN_FORCE} unless {IN_FORCE} offset 5m)"


class Variable(NamedTuple):
    """A choice above the dashboard, of the values that a label of a metric has."""

    label: str
    metric: str


class Board(NamedTuple):
    """rows: title and panels of each. uid: in the address, so it stays."""

    uid: str
    title: str
    what: str
    variables: Sequence[Variable]
    rows: Sequence[tuple[str, Sequence[Builder[Panel]]]]


def as_json(board: Board) -> str:
    """The file that Grafana is given."""
    made = (
        dashboards.Dashboard(board.title)
        .uid(board.uid)
        .description(board.what)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("15s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .annotation(_promotions())
        .link(_links())
    )
    for variable in board.variables:
        made.with_variable(_variable(variable))
    for title, panels in board.rows:
        made.with_row(row(title))
        for panel in panels:
            made.with_panel(panel)
    built = made.build()
    for number, panel_or_row in enumerate(built.panels or [], start=1):
        panel_or_row.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _variable(variable: Variable) -> dashboards.QueryVariable:
    return (
        dashboards.QueryVariable(variable.label)
        .datasource(PROMETHEUS)
        .query(f"label_values({variable.metric}, {variable.label})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all"))
    )


def _promotions() -> dashboards.AnnotationQuery:
    return (
        dashboards.AnnotationQuery()
        .name("Another model decides")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color(SECOND)
        .expr(PROMOTIONS)
    )


def _links() -> dashboards.DashboardLink:
    return (
        dashboards.DashboardLink("Fraud scoring")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .as_dropdown(False)
    )
