"""The picture of a report: a bar for each of its highest groups, drawn without any display."""

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from workloads.reports.parameters import ROWS, ReportParameters
from workloads.reports.partial import Key
from workloads.reports.report import Report

WIDTH_INCHES = 9.0
BAR_INCHES = 0.32
FRAME_INCHES = 1.7  # title, axis and margins
MARGIN_INCHES = 0.12
DOTS_PER_INCH = 120
MAX_LABEL_CHARACTERS = 32
MIN_PLAIN, MAX_PLAIN = 1e-3, 1e12  # beyond, an exponent says more
MAX_DRAWN = 1e300  # beyond, the axis would leave the range of floats
_INK, _SOFT_INK, _GRID, _BAR = "#1f2933", "#616e7c", "#e4e7eb", "#2f6fb0"
_NAMES = {
    "count": "number of values of {}",
    "sum": "sum of {}",
    "mean": "mean {}",
    "min": "lowest {}",
    "max": "highest {}",
    "std": "standard deviation of {}",
}


def draw(report: Report) -> bytes:
    """Draw a PNG."""
    parameters = report.parameters
    metric = parameters.chart.metric or default_metric(parameters)
    bars = [(group, group.figures[metric]) for group in report.groups]
    drawn = [(_label(group.key), float(v)) for group, v in bars if v is not None and _fits(v)]
    drawn = sorted(drawn, key=lambda bar: -bar[1])[: parameters.chart.top]
    height = FRAME_INCHES + BAR_INCHES * max(3, len(drawn))
    layout = ConstrainedLayoutEngine(w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, layout=layout)
    axes = figure.add_subplot()
    name = _metric_name(metric)
    title = parameters.chart.title or _default_title(name, parameters)
    figure.suptitle(
        title, x=0.02, ha="left", fontsize=14, fontweight="bold", color=_INK, parse_math=False
    )
    axes.set_title(
        _subtitle(report, len(drawn)), loc="left", fontsize=9, color=_SOFT_INK, parse_math=False
    )
    _draw_bars(axes, drawn)
    unit = f" ({parameters.chart.unit})" if parameters.chart.unit else ""
    axes.set_xlabel(_capital(name) + unit, color=_SOFT_INK, parse_math=False)
    axes.set_ylabel(" / ".join(parameters.group_by), color=_SOFT_INK, parse_math=False)
    return _png(figure)


def default_metric(parameters: ReportParameters) -> str:
    """Choose what to show: the mean of the first column, or else its first metric, or the rows."""
    for column, metrics in parameters.metrics.items():
        return f"{column}.{'mean' if 'mean' in metrics else metrics[0]}"
    return ROWS


def _draw_bars(axes: Axes, drawn: list[tuple[str, float]]) -> None:
    places = range(len(drawn))
    bars = axes.barh(places, [value for _, value in drawn], color=_BAR, height=0.72, zorder=2)
    texts = _value_labels([value for _, value in drawn])
    axes.bar_label(bars, texts, padding=4, fontsize=9, color=_INK)
    axes.set_yticks(places, [label for label, _ in drawn], color=_INK, parse_math=False)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.02)
    axes.axvline(0, color=_SOFT_INK, linewidth=0.8, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    axes.grid(axis="x", color=_GRID, zorder=0)
    axes.tick_params(length=0, labelcolor=_INK)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    if not drawn:
        axes.set_xticks([])
        axes.text(
            0.5, 0.5, "no values to show", transform=axes.transAxes, ha="center", color=_SOFT_INK
        )


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with _without_glyph_warnings():
        # No version and no date: the same report is the same picture.
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


@contextmanager
def _without_glyph_warnings() -> Iterator[None]:
    """Accept that a machine has no font for every script: such letters become boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


def _fits(value: float) -> bool:
    return abs(value) <= MAX_DRAWN


def _label(key: Key) -> str:
    text = " / ".join("(none)" if part is None else part for part in key) or "all rows"
    text = " ".join(text.split())
    if len(text) > MAX_LABEL_CHARACTERS:
        return text[: MAX_LABEL_CHARACTERS - 1] + "…"
    return text


def _metric_name(metric: str) -> str:
    if metric == ROWS:
        return "rows"
    column, _, name = metric.rpartition(".")
    return _NAMES[name].format(column)


def _default_title(name: str, parameters: ReportParameters) -> str:
    by = f" by {', '.join(parameters.group_by)}" if parameters.group_by else ""
    return _capital(name) + by


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _subtitle(report: Report, shown: int) -> str:
    groups = len(report.groups)
    what = f"the {shown} highest of {groups:,} groups" if shown < groups else f"{groups:,} groups"
    return f"{report.rows:,} rows, {what}"


def _value_labels(values: list[float]) -> list[str]:
    """Write values with as many decimals as give the largest three digits."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest >= MAX_PLAIN or 0 < largest < MIN_PLAIN:
        return [f"{value:.3g}" for value in values]
    if all(value.is_integer() for value in values):
        return [f"{value:,.0f}" for value in values]
    decimals = max(0, 2 - math.floor(math.log10(largest)))
    return [f"{value:,.{decimals}f}" for value in values]
