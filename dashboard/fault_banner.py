"""The banner of faults, which every page may have: a sign and words, never colour alone."""

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.faults import Fault, faults_of
from dashboard.page import Updates
from dashboard.recent import Recent

URGENT, LESS_URGENT = "▲ Act", "◆ Watch"


def fault_banner(page: str) -> Component:
    """page: its name, with which ids begin."""
    return html.Div(id=f"{page}-faults", role="status")


def on_fault_banner(page: str, recent: Recent) -> Updates:
    """What it says: nothing while nothing is wrong."""
    faults = faults_of(recent)
    return {(f"{page}-faults", "children"): _alert(faults) if faults else None}


def _alert(faults: Sequence[Fault]) -> Component:
    urgent = any(fault.urgent for fault in faults)
    return dmc.Alert(
        html.Ul([_line(fault) for fault in faults], className="faults"),
        title=f"{len(faults)} fault{'s' if len(faults) > 1 else ''}",
        color="red" if urgent else "orange",
        variant="light",
        mb="sm",
        attributes={"root": {"role": "group"}},
    )


def _line(fault: Fault) -> Component:
    sign = URGENT if fault.urgent else LESS_URGENT
    return html.Li([html.Strong(f"{sign}: "), f"{fault.what}. ", html.Span(f"{fault.next_step}.")])
