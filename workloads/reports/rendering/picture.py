"""The contents of the picture of a report: its bars, titles and labels.

Groups by one date are a timeline, in the order of time; others are bars, the highest first.
"""

import math
from dataclasses import dataclass

from workloads.reports.metrics import (
    DISTINCT,
    ROWS,
    ExactMetric,
    figure_name,
    is_quantile,
    parse_figure_name,
)
from workloads.reports.parameters import DateKey, View
from workloads.reports.rendering.order import ReportGroup
from workloads.reports.rendering.report import Report
from workloads.reports.statistics.partial import Key

MAX_LABEL_CHARACTERS = 32
MAX_TITLE_CHARACTERS = 200
MAX_MOMENTS = 400
MIN_PLAIN, MAX_PLAIN = 1e-3, 1e12  # beyond, values are written with an exponent
MAX_DRAWN = 1e300  # beyond, an axis would leave the range of floats
_METRIC_TITLES: dict[str, str] = {
    ExactMetric.COUNT: "number of values of {}",
    ExactMetric.SUM: "sum of {}",
    ExactMetric.MEAN: "mean {}",
    ExactMetric.MIN: "lowest {}",
    ExactMetric.MAX: "highest {}",
    ExactMetric.STD: "standard deviation of {}",
    DISTINCT: "distinct values of {}, about",
}
_ORDINAL_ENDINGS = {"1": "st", "2": "nd", "3": "rd"}


@dataclass(frozen=True)
class Picture:
    """The contents of a picture.

    Attributes:
        subtitle: The numbers of rows and groups, and which groups are shown.
        values: The label of the axis of values, with the unit.
        keys: The label of the axis of groups.
        bars: A label and a value for each bar.
    """

    title: str
    subtitle: str
    values: str
    keys: str
    bars: list[tuple[str, float]]
    is_timeline: bool

    @classmethod
    def from_report(cls, report: Report) -> "Picture":
        """Choose what to show of a report."""
        view = report.view
        metric = view.chart.metric or default_metric(view)
        is_timeline = len(view.group_by) == 1 and isinstance(view.group_by[0], DateKey)
        bars = _moments(report, metric) if is_timeline else _highest_bars(report, metric)
        metric_title = _metric_title(metric)
        unit = f" ({view.chart.unit})" if view.chart.unit else ""
        return cls(
            title=_shorten(view.chart.title or _default_title(metric_title, view)),
            subtitle=_subtitle(report, len(bars), "latest" if is_timeline else "highest"),
            values=_shorten(_capitalise(metric_title)) + unit,
            keys=_shorten(" / ".join(view.key_names)),
            bars=bars,
            is_timeline=is_timeline,
        )


def default_metric(view: View) -> str:
    """The figure to show: the mean of the first column, else its first metric, else the rows."""
    for column, metrics in view.metrics.items():
        is_mean_known = ExactMetric.MEAN in metrics
        return figure_name(column, ExactMetric.MEAN if is_mean_known else metrics[0])
    return ROWS


def value_labels(values: list[float]) -> list[str]:
    """Write values with as many decimals as the largest one needs for three digits."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest >= MAX_PLAIN or 0 < largest < MIN_PLAIN:
        return [f"{value:.3g}" for value in values]
    if all(value.is_integer() for value in values):
        return [f"{value:,.0f}" for value in values]
    decimals = max(0, 2 - math.floor(math.log10(largest)))
    return [f"{value:,.{decimals}f}" for value in values]


def _moments(report: Report, metric: str) -> list[tuple[str, float]]:
    """The latest bars, in the order of time; rows without a date have no place in it."""
    groups = [group for group in report.groups if group.key != (None,)]
    # The labels of dates are in the order of time.
    return sorted(_bars(groups, metric))[-MAX_MOMENTS:]


def _highest_bars(report: Report, metric: str) -> list[tuple[str, float]]:
    bars = _bars(report.groups, metric)
    return sorted(bars, key=lambda bar: -bar[1])[: report.view.chart.top]


def _bars(groups: list[ReportGroup], metric: str) -> list[tuple[str, float]]:
    figures = [(_label(group.key), group.figures[metric]) for group in groups]
    drawn = ((label, each) for label, each in figures if each is not None)
    return [(label, float(each)) for label, each in drawn if abs(each) <= MAX_DRAWN]


def _label(key: Key) -> str:
    text = " / ".join("(none)" if part is None else part for part in key) or "all rows"
    text = " ".join(text.split())
    if len(text) > MAX_LABEL_CHARACTERS:
        return text[: MAX_LABEL_CHARACTERS - 1] + "…"
    return text


def _metric_title(figure: str) -> str:
    """Describe a figure in words."""
    column_and_metric = parse_figure_name(figure)
    if column_and_metric is None:
        return figure
    column, metric = column_and_metric
    if not is_quantile(metric):
        return _METRIC_TITLES[metric].format(column)
    return f"{_ordinal(metric[1:])} percentile of {column}"


def _ordinal(number: str) -> str:
    is_teen = number[-2:] in ("11", "12", "13")
    ending = "th" if is_teen or "." in number else _ORDINAL_ENDINGS.get(number[-1], "th")
    return f"{number}{ending}"


def _default_title(metric_title: str, view: View) -> str:
    keys = f" by {', '.join(view.key_names)}" if view.group_by else ""
    return _capitalise(metric_title) + keys


def _shorten(text: str) -> str:
    """Cut a text that no picture has room for: to lay it out takes minutes if it is long."""
    if len(text) <= MAX_TITLE_CHARACTERS:
        return text
    return text[: MAX_TITLE_CHARACTERS - 1] + "…"


def _capitalise(text: str) -> str:
    return text[0].upper() + text[1:]


def _subtitle(report: Report, bars: int, adjective: str) -> str:
    total = report.total_groups
    groups = f"the {bars} {adjective} of {total:,} groups" if bars < total else f"{total:,} groups"
    return f"{report.rows:,} rows, {groups}"
