"""Compute the figures of a group from its tallies, sketches and buckets."""

from fractions import Fraction

from workloads.reports.metrics import (
    DISTINCT,
    ROWS,
    ExactMetric,
    figure_name,
    is_quantile,
    quantile_fraction,
)
from workloads.reports.parameters import View
from workloads.reports.statistics.distinct import estimate_count
from workloads.reports.statistics.exact import Exact, round_to_float, square_root
from workloads.reports.statistics.partial import Group, Tally
from workloads.reports.statistics.quantiles import Buckets, quantile

Figure = int | float | None
_MAX_WHOLE = 2**63 - 1


def is_huge(figure: Figure) -> bool:
    """Tell whether a figure is a whole number that 64 bits do not hold."""
    return isinstance(figure, int) and abs(figure) > _MAX_WHOLE


def compute_figures(group: Group, fractional: frozenset[int], view: View) -> dict[str, Figure]:
    """Compute every figure of a group, by name.

    Args:
        group: The rows of the group.
        fractional: Positions of `view.number_columns` whose figures are not whole numbers.
        view: The report.
    """
    figures: dict[str, Figure] = {ROWS: group.rows}
    for column, metrics in view.metrics.items():
        for metric in metrics:
            name = figure_name(column, metric)
            figures[name] = _compute_figure(group, fractional, view, column, metric)
    return figures


def _compute_figure(
    group: Group, fractional: frozenset[int], view: View, column: str, metric: str
) -> Figure:
    if metric == DISTINCT:
        return estimate_count(group.sketches[view.distinct_columns.index(column)])
    position = view.number_columns.index(column)
    tally, is_fractional = group.tallies[position], position in fractional
    if is_quantile(metric):
        buckets = group.buckets[view.quantile_columns.index(column)]
        return _quantile(metric, tally, buckets, is_fractional=is_fractional)
    return _exact_figure(ExactMetric(metric), tally, is_fractional=is_fractional)


def _quantile(metric: str, tally: Tally, buckets: Buckets, *, is_fractional: bool) -> Figure:
    if tally.low is None or tally.high is None:
        return None
    part = quantile_fraction(metric)
    return quantile(buckets, part, tally.low, tally.high, is_fractional=is_fractional)


def _exact_figure(metric: ExactMetric, tally: Tally, *, is_fractional: bool) -> Figure:
    """Round once; a figure without a value, such as the mean of nothing, is None."""
    match metric:
        case ExactMetric.COUNT:
            return tally.count
        case ExactMetric.MEAN:
            return round_to_float(Fraction(tally.total) / tally.count) if tally.count else None
        case ExactMetric.STD:
            return _standard_deviation(tally)
        case ExactMetric.SUM:
            return _round_unless_whole(tally.total, is_fractional=is_fractional)
        case ExactMetric.MIN:
            return _round_unless_whole(tally.low, is_fractional=is_fractional)
        case ExactMetric.MAX:
            return _round_unless_whole(tally.high, is_fractional=is_fractional)


def _round_unless_whole(value: Exact | None, *, is_fractional: bool) -> Figure:
    if value is None:
        return None
    return round_to_float(value) if is_fractional else int(value)


def _standard_deviation(tally: Tally) -> Figure:
    """That of a sample (divided by count - 1), from exact sums, so without cancellation."""
    if tally.count < 2:
        return None
    deviations = tally.squares - Fraction(tally.total) ** 2 / tally.count
    return square_root(deviations / (tally.count - 1))
