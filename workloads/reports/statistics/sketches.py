"""Sketches by group: the distinct texts of a column, and the buckets of its numbers."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from workloads.reports.reading.numbers import Numbers
from workloads.reports.statistics.distinct import Sketch, sketch_texts
from workloads.reports.statistics.partial import Key
from workloads.reports.statistics.quantiles import MAGNITUDE, SHIFT, Buckets

_VALUE, _COUNT = "value", "count"


def sketch_groups(keys: pl.DataFrame, texts: pl.Series) -> dict[Key, Sketch]:
    """Sketch the distinct texts of each group; groups without texts are left out.

    Args:
        keys: The columns that make the groups; without any, all rows are one group.
        texts: The column; missing values are not counted.
    """
    groups = _list_by_group(keys, texts, [pl.col(_VALUE)])
    return {key: sketch_texts(values) for key, (values,) in groups}


def count_buckets(keys: pl.DataFrame, numbers: Numbers) -> dict[Key, Buckets]:
    """Count the numbers of each group by bucket; groups without numbers are left out."""
    lists = [pl.col(_VALUE), pl.col(_COUNT)]
    groups = _list_by_group(keys, find_buckets(numbers), lists)
    return {key: dict(zip(values, counts, strict=True)) for key, (values, counts) in groups}


def find_buckets(numbers: Numbers) -> pl.Series:
    """Find the bucket of each number of a column (Int64), as `quantiles.find_bucket` does."""
    floats = numbers.floats()
    if numbers.huge is not None:
        floats = floats.zip_with(floats.is_not_null(), numbers.huge.cast(pl.Float64))
    # Adding zero in numpy turns a negative zero into a positive one; polars would not add it.
    bits = (floats.fill_null(0.0).to_numpy() + 0.0).view("int64")
    # The bits of a negative number's bucket are inverted.
    buckets = pl.Series(((bits & MAGNITUDE) >> SHIFT) ^ (bits >> 63))
    return buckets.zip_with(floats.is_not_null(), pl.Series([None], dtype=pl.Int64))


def _list_by_group(
    keys: pl.DataFrame, values: pl.Series, lists: list[pl.Expr]
) -> Iterator[tuple[Key, list[list[Any]]]]:
    """List the distinct values of each group, and how often each occurs."""
    names = [f"k{number}" for number in range(keys.width)]
    frame = keys.rename(dict(zip(keys.columns, names, strict=True)))
    frame = frame.with_columns(values.alias(_VALUE)) if names else values.alias(_VALUE).to_frame()
    counts = (
        frame.filter(pl.col(_VALUE).is_not_null())
        .group_by([*names, _VALUE])
        .agg(pl.len().alias(_COUNT))
    )
    if not names:
        if counts.height:
            yield (), [counts[name].to_list() for name in (_VALUE, _COUNT)][: len(lists)]
        return
    for row in counts.group_by(names).agg(lists).iter_rows():
        yield row[: len(names)], list(row[len(names) :])
