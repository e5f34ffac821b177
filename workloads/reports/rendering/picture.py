"""What the picture of a report shows, whoever draws it: which bars, and what the parts are called.

Groups by one date are a timeline, in the order of time; others are bars, the highest first.
"""

import math
import re
from dataclasses import dataclass

from workloads.reports.metrics import DISTINCT, EXACT, QUANTILE, is_quantile
from workloads.reports.parameters import ROWS, DateKey, View
from workloads.reports.rendering.report import Report
from workloads.reports.statistics.partial import Key

MAX_LABEL_CHARACTERS = 32
MAX_MOMENTS = 400
MIN_PLAIN, MAX_PLAIN = 1e-3, 1e12  # beyond, an exponent says more
MAX_DRAWN = 1e300  # beyond, an axis would leave the range of floats
_NAMES = {
    "count": "number of values of {}",
    "sum": "sum of {}",
    "mean": "mean {}",
    "min": "lowest {}",
    "max": "highest {}",
    "std": "standard deviation of {}",
    DISTINCT: "distinct values of {}, about",
}
_METRIC = re.compile(rf"(.*)\.({'|'.join(EXACT)}|{DISTINCT}|{QUANTILE})", re.DOTALL)
_ENDINGS = {"1": "st", "2": "nd", "3": "rd"}


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes:
        subtitle: How many rows and groups there are, and which of them are shown.
        values: What the axis of the values is called, with the unit.
        keys: What the axis of the groups is called.
        bars: A label and a value for each.
    """

    title: str
    subtitle: str
    values: str
    keys: str
    bars: list[tuple[str, float]]
    is_timeline: bool

    @classmethod
    def of(cls, report: Report) -> "Picture":
        """Choose what to show of a report."""
        view = report.view
        metric = view.chart.metric or default_metric(view)
        is_timeline = len(view.group_by) == 1 and isinstance(view.group_by[0], DateKey)
        known = [(group.key, group.figures[metric]) for group in report.groups]
        if is_timeline:
            # Rows without a date have no place in time.
            known = [(key, value) for key, value in known if key != (None,)]
        bars = [(_label(key), float(v)) for key, v in known if v is not None and _fits(v)]
        if is_timeline:
            bars = sorted(bars)[-MAX_MOMENTS:]  # such labels are in the order of time
        else:
            bars = sorted(bars, key=lambda bar: -bar[1])[: view.chart.top]
        name = _metric_name(metric)
        unit = f" ({view.chart.unit})" if view.chart.unit else ""
        return cls(
            title=view.chart.title or _default_title(name, view),
            subtitle=_subtitle(report, len(bars), "latest" if is_timeline else "highest"),
            values=_capital(name) + unit,
            keys=" / ".join(view.key_names),
            bars=bars,
            is_timeline=is_timeline,
        )


def default_metric(view: View) -> str:
    """Choose what to show: the mean of the first column, or else its first metric, or the rows."""
    for column, metrics in view.metrics.items():
        return f"{column}.{'mean' if 'mean' in metrics else metrics[0]}"
    return ROWS


def value_labels(values: list[float]) -> list[str]:
    """Write values with as many decimals as give the largest three digits."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest >= MAX_PLAIN or 0 < largest < MIN_PLAIN:
        return [f"{value:.3g}" for value in values]
    if all(value.is_integer() for value in values):
        return [f"{value:,.0f}" for value in values]
    decimals = max(0, 2 - math.floor(math.log10(largest)))
    return [f"{value:,.{decimals}f}" for value in values]


def _fits(value: float) -> bool:
    return abs(value) <= MAX_DRAWN


def _label(key: Key) -> str:
    text = " / ".join("(none)" if part is None else part for part in key) or "all rows"
    text = " ".join(text.split())
    if len(text) > MAX_LABEL_CHARACTERS:
        return text[: MAX_LABEL_CHARACTERS - 1] + "…"
    return text


def _metric_name(metric: str) -> str:
    """Write out a metric; a column's name may have dots in it, and so may that of a quantile."""
    found = _METRIC.fullmatch(metric)
    if found is None:
        return metric
    column, name = found[1], found[2]
    if not is_quantile(name):
        return _NAMES[name].format(column)
    number = name[1:]
    is_teen = number[-2:] in ("11", "12", "13")
    ending = "th" if is_teen or "." in number else _ENDINGS.get(number[-1], "th")
    return f"{number}{ending} percentile of {column}"


def _default_title(name: str, view: View) -> str:
    by = f" by {', '.join(view.key_names)}" if view.group_by else ""
    return _capital(name) + by


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _subtitle(report: Report, shown: int, which: str) -> str:
    groups = report.total_groups
    what = f"the {shown} {which} of {groups:,} groups" if shown < groups else f"{groups:,} groups"
    return f"{report.rows:,} rows, {what}"
