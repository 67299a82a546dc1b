"""Panels as all dashboards have them: one look, few colours, each with a meaning."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders import common, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleConfig,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizLegendOptions,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Panel,
    Threshold,
    ThresholdsMode,
)

# Well, to be looked at, bad: verdicts have them too. The others only tell lines apart.
GOOD, WARNING, BAD = "#2f9e6e", "#e0a63a", "#d64545"
PLAIN, SECOND, THIRD = "#4c78a8", "#9aa5b1", "#b279a2"
QUANTILES = {"p50": SECOND, "p95": PLAIN, "p99": THIRD}
WIDTH = 24
STAT_HEIGHT, GRAPH_HEIGHT = 4, 8
PROMETHEUS = DataSourceRef("prometheus", "prometheus")


class Query(NamedTuple):
    """legend: in Grafana's own templates, such as `{{topic}}`."""

    expression: str
    legend: str


def number(
    title: str,
    what: str,
    expression: str,
    unit: str,
    bounds: tuple[float, float] | None = None,
    width: int = 4,
) -> Builder[Panel]:
    """One number of now. bounds: from where on it is a warning, and from where on it is bad; where the second
    is less than the first, small numbers are the bad ones."""
    panel = (
        stat.Panel()
        .title(title)
        .description(what)
        .datasource(PROMETHEUS)
        .with_target(_target(Query(expression, ""), "A"))
        .unit(unit)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .height(STAT_HEIGHT)
        .span(width)
        .thresholds(_thresholds(bounds))
    )
    return panel.color_mode(BigValueColorMode.NONE if bounds is None else BigValueColorMode.VALUE)


def graph(
    title: str,
    what: str,
    queries: Sequence[Query],
    unit: str,
    *,
    width: int = 12,
    stacked: bool = False,
    colours: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> Builder[Panel]:
    """Lines over time. colours: by name in the legend. limit: drawn as a line, what lies above is bad."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(what)
        .datasource(PROMETHEUS)
        .unit(unit)
        .color_scheme(dashboards.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
        .min(0)
        .line_width(1.5)
        .fill_opacity(35 if stacked else 6)
        .show_points(VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .height(GRAPH_HEIGHT)
        .span(width)
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_target(query, letter))
    for name, colour in (colours or {}).items():
        panel.override_by_name(name, [_colour(colour)])
    if limit is not None:
        panel.thresholds(_thresholds((limit, limit))).thresholds_style(_as_line())
    return panel


def quantiles(histogram: str, selector: str) -> list[Query]:
    """p50, p95 and p99 of a histogram, over all that the selector chooses."""
    rate = f"sum by (le) (rate({histogram}_bucket{{{selector}}}[$__rate_interval]))"
    return [Query(f"histogram_quantile({share / 100}, {rate})", f"p{share}") for share in (50, 95, 99)]


def row(title: str) -> dashboards.Row:
    return dashboards.Row(title)


def _target(query: Query, letter: str) -> Dataquery:
    return (
        Dataquery().expr(query.expression).legend_format(query.legend).ref_id(letter).datasource(PROMETHEUS)
    )


def _legend() -> Builder[VizLegendOptions]:
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _as_line() -> Builder[GraphThresholdsStyleConfig]:
    return common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)


def _colour(colour: str) -> DynamicConfigValue:
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def _thresholds(bounds: tuple[float, float] | None) -> dashboards.ThresholdsConfig:
    config = dashboards.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE)
    if bounds is None:
        return config.steps([Threshold(None, PLAIN)])
    warning, bad = bounds
    if bad < warning:
        return config.steps([Threshold(None, BAD), Threshold(bad, WARNING), Threshold(warning, GOOD)])
    steps = [Threshold(None, GOOD), Threshold(warning, WARNING), Threshold(bad, BAD)]
    return config.steps(steps if bad > warning else [steps[0], steps[2]])
