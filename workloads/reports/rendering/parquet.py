"""A report as Parquet: a row for each group, keys as texts, figures as numbers.

Whole numbers are Int64 where all of a column fit, else figures are Float64; one beyond the range of
floats is infinite. A name that is there already gets an underscore.
"""

import io
import math

import polars as pl

from workloads.reports.parameters import ROWS
from workloads.reports.rendering.report import Figure, Report

_MAX_WHOLE = 2**63 - 1


def to_parquet(report: Report) -> bytes:
    """Write a file."""
    columns: dict[str, pl.Series] = {}
    for number, key in enumerate(report.view.key_names):
        _add(
            columns, key, pl.Series([group.key[number] for group in report.groups], dtype=pl.String)
        )
    for metric in report.view.metric_names():
        figures = [group.figures[metric] for group in report.groups]
        _add(columns, metric, _numbers(figures, is_count=metric == ROWS))
    content = io.BytesIO()
    pl.DataFrame(columns).write_parquet(content, compression="zstd")
    return content.getvalue()


def _add(columns: dict[str, pl.Series], name: str, values: pl.Series) -> None:
    while name in columns:
        name += "_"
    columns[name] = values


def _numbers(figures: list[Figure], *, is_count: bool) -> pl.Series:
    known = [figure for figure in figures if figure is not None]
    is_whole = all(isinstance(figure, int) and abs(figure) <= _MAX_WHOLE for figure in known)
    if is_whole and (known or is_count):
        return pl.Series(figures, dtype=pl.Int64)
    return pl.Series([None if f is None else _float(f) for f in figures], dtype=pl.Float64)


def _float(figure: int | float) -> float:
    try:
        return float(figure)
    except OverflowError:
        return math.inf if figure > 0 else -math.inf
