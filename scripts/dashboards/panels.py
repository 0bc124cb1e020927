"""What every dashboard has in common: data source and choices on top, panels of a few kinds, links to the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

TAG = "modelyard"
METRICS = DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT = 8  # grid rows; one is 30 pixels
WIDTH = 24  # grid columns

Panel = timeseries.Panel | stat.Panel | table.Panel
Builder = TypeVar("Builder", timeseries.Panel, stat.Panel, table.Panel)


class Series(NamedTuple):
    """A query and what its lines are called, with labels in braces: `{{model_name}}`."""

    expr: str
    name: str = ""


def empty(title: str, uid: str, description: str) -> dashboard.Dashboard:
    """Return a dashboard without panels, that links to all others and takes the time and the choices along."""
    return (
        dashboard.Dashboard(title)
        .uid(f"{TAG}-{uid}")
        .description(description)
        .tags([TAG])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("1m")
        .link(
            dashboard.DashboardLink("Modelyard")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Metrics").type("prometheus"))
    )


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """Return a choice of label values, of which any number may be taken; all at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(METRICS)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def lines(
    title: str,
    unit: str,
    series: Sequence[Series],
    *,
    description: str = "",
    span: int = 8,
    stacked: bool = False,
    most: float | None = None,
) -> timeseries.Panel:
    """Return lines over time.

    Args:
        title: Title of the panel.
        unit: Unit as Grafana calls it, such as `s`, `percentunit` or `currencyUSD`.
        series: Queries.
        description: What a reader should know; shown on hover.
        span: Columns of 24.
        stacked: Whether lines add up.
        most: Upper end of the axis.
    """
    panel = timeseries.Panel().title(title).unit(unit).min(0).fill_opacity(10).show_points(common.VisibilityMode.NEVER)
    panel.legend(
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if most is not None:
        panel.max(most)
    if stacked:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(40)
    return _filled(panel, series, description, span)


def number(
    title: str,
    unit: str,
    expr: str,
    *,
    description: str = "",
    span: int = 4,
    steps: Iterable[tuple[float, str]] = (),
) -> stat.Panel:
    """Return one number with its course; `steps` are values from which it takes a colour."""
    colours = [Threshold(value=None, color="green"), *(Threshold(value=value, color=colour) for value, colour in steps)]
    panel = (
        stat.Panel()
        .title(title)
        .unit(unit)
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(colours))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.AREA)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .height(HEIGHT // 2)
    )
    return _filled(panel, [Series(expr)], description, span, height=HEIGHT // 2)


def rows(title: str, unit: str, expr: str, *, description: str = "", span: int = 12) -> table.Panel:
    """Return a table of what a query answers now, one row for each series."""
    panel = table.Panel().title(title).unit(unit).datasource(METRICS).height(HEIGHT).span(span)
    if description:
        panel.description(description)
    hidden = {"Time": True, "__name__": True}
    panel.with_transformation(DataTransformerConfig(id_val="organize", options={"excludeByName": hidden}))
    return panel.with_target(
        prometheus.Dataquery().expr(expr).datasource(METRICS).instant().format(PromQueryFormat.TABLE).ref_id("A")
    )


def _filled(panel: Builder, series: Sequence[Series], description: str, span: int, height: int = HEIGHT) -> Builder:
    panel.datasource(METRICS).height(height).span(span)
    if description:
        panel.description(description)
    for letter, each in zip("ABCDEFGH", series, strict=False):
        panel.with_target(
            prometheus.Dataquery().expr(each.expr).legend_format(each.name).datasource(METRICS).range().ref_id(letter)
        )
    return panel
