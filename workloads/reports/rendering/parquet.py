"""A report as Parquet: a row for each group, keys as texts, figures as numbers.

A column is Int64 if its figures are whole numbers that fit, else Float64; a figure beyond the range
of floats is infinite.
"""

import io
import math

import polars as pl

from workloads.reports.metrics import ROWS
from workloads.reports.rendering.figures import Figure, is_huge
from workloads.reports.rendering.report import Report


def encode_parquet(report: Report) -> bytes:
    """Encode a report as a Parquet file."""
    columns = []
    for position in range(len(report.view.key_names)):
        parts = [group.key[position] for group in report.groups]
        columns.append(pl.Series(parts, dtype=pl.String))
    for name in report.view.figure_names():
        figures = [group.figures[name] for group in report.groups]
        columns.append(_number_series(figures, is_count=name == ROWS))
    content = io.BytesIO()
    table = pl.DataFrame(dict(zip(report.column_names, columns, strict=True)))
    table.write_parquet(content, compression="zstd")
    return content.getvalue()


def _number_series(figures: list[Figure], *, is_count: bool) -> pl.Series:
    values = [figure for figure in figures if figure is not None]
    is_whole = all(isinstance(value, int) and not is_huge(value) for value in values)
    if is_whole and (values or is_count):
        return pl.Series(figures, dtype=pl.Int64)
    floats = [None if figure is None else _to_float(figure) for figure in figures]
    return pl.Series(floats, dtype=pl.Float64)


def _to_float(figure: int | float) -> float:
    try:
        return float(figure)
    except OverflowError:
        return math.inf if figure > 0 else -math.inf
