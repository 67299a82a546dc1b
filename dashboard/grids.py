"""Tables that are sorted, searched and walked through by keyboard; of their rows one can be chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

PAGE_ROWS = 15
# What a page's own theme is made of: so it follows light and dark by itself.
THEME = """themeQuartz.withParams({
    backgroundColor: 'var(--mantine-color-body)', foregroundColor: 'var(--mantine-color-text)',
    textColor: 'var(--mantine-color-text)', headerTextColor: 'var(--mantine-color-text)',
    chromeBackgroundColor: 'var(--mantine-color-body)', borderColor: 'var(--mantine-color-default-border)',
    fontFamily: 'inherit', fontSize: 13, spacing: 5, wrapperBorder: false
})"""
USUAL: Mapping[str, Any] = {"resizable": True, "sortable": True}
TOOLTIP_MS = 300
CHOICE: Mapping[str, Any] = {
    "rowSelection": {"mode": "singleRow", "checkboxes": True, "enableClickSelection": True},
    "selectionColumnDef": {"headerName": "Choose", "width": 85, "minWidth": 85, "maxWidth": 85},
}


def grid(
    name: str,
    label: str,
    columns: Sequence[Mapping[str, Any]],
    empty: str,
    *,
    row_id: str,
    chosen: bool = False,
) -> Component:
    """Without rows, which come as `rowData`. row_id: the field that tells rows apart. chosen: one can be."""
    options = {
        "theme": {"function": THEME},
        "domLayout": "autoHeight",
        "pagination": True,
        "paginationPageSize": PAGE_ROWS,
        "paginationPageSizeSelector": False,
        "tooltipShowDelay": TOOLTIP_MS,
        "localeText": {"noRowsToShow": empty},
        "animateRows": False,
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        **(CHOICE if chosen else {}),
    }
    table = dag.AgGrid(
        id=name,
        columnDefs=[dict(each) for each in columns],
        defaultColDef=dict(USUAL),
        columnSize="responsiveSizeToFit",
        dashGridOptions=options,
        getRowId=f"params.data.{row_id}",
        style={"height": None},
    )
    return html.Div(table, role="region", className="grid", **{"aria-label": label})


def column(field: str, title: str, width: int = 110, **more: Any) -> dict[str, Any]:
    """width: the least, in px; the rest of the page is shared out."""
    return {"field": field, "headerName": title, "minWidth": width, **more}


def bar_column(field: str, title: str, width: int = 190) -> dict[str, Any]:
    """Of a number, with a bar and a text beside it: `bar` gives all three."""
    return column(field, title, width, cellRenderer="Bar")


def bar(field: str, number: float | None, most: float, text: str) -> dict[str, Any]:
    """What a row says of a bar's column. most: where the bar is full."""
    share = 0.0 if number is None or most <= 0 else min(1.0, number / most)
    return {field: number, f"{field}_share": share, f"{field}_text": text}


def chosen_row(rows: Any) -> Mapping[str, Any] | None:
    """The one that a browser says is chosen."""
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        return rows[0]
    return None
