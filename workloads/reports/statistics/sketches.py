"""Sketches by group: of the distinct texts of a column, and of where its numbers lie."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from workloads.reports.reading.numbers import Numbers
from workloads.reports.statistics.distinct import Sketch, sketch_of
from workloads.reports.statistics.partial import Key
from workloads.reports.statistics.quantiles import MAGNITUDE, SHIFT, Buckets

_VALUE, _COUNT = "value", "count"


def distinct_texts(keys: pl.DataFrame, texts: pl.Series) -> dict[Key, Sketch]:
    """Sketch the different texts of each group; groups without any are left out.

    Args:
        keys: The columns that make the groups; without any, all rows are one group.
        texts: The column; missing values are not counted.
    """
    return {key: sketch_of(values) for key, (values,) in _grouped(keys, texts, [pl.col(_VALUE)])}


def spread(keys: pl.DataFrame, numbers: Numbers) -> dict[Key, Buckets]:
    """Count the numbers of each group by bucket; groups without any are left out."""
    lists = [pl.col(_VALUE), pl.col(_COUNT)]
    groups = _grouped(keys, buckets_of(numbers), lists)
    return {key: dict(zip(values, counts, strict=True)) for key, (values, counts) in groups}


def buckets_of(numbers: Numbers) -> pl.Series:
    """Find the bucket of each number of a column (Int64), as `quantiles.bucket_of` does."""
    floats = numbers.floats()
    if numbers.huge is not None:
        floats = floats.zip_with(floats.is_not_null(), numbers.huge.cast(pl.Float64))
    # The sum makes a positive zero of a negative one; polars would leave it out.
    bits = (floats.fill_null(0.0).to_numpy() + 0.0).view("int64")
    # All bits of a negative number's bucket are turned over.
    buckets = pl.Series(((bits & MAGNITUDE) >> SHIFT) ^ (bits >> 63))
    return buckets.zip_with(floats.is_not_null(), pl.Series([None], dtype=pl.Int64))


def _grouped(
    keys: pl.DataFrame, values: pl.Series, lists: list[pl.Expr]
) -> Iterator[tuple[Key, list[list[Any]]]]:
    """List the different values of each group, and how often each is there."""
    names = [f"k{number}" for number in range(keys.width)]
    frame = keys.rename(dict(zip(keys.columns, names, strict=True)))
    frame = frame.with_columns(values.alias(_VALUE)) if names else values.alias(_VALUE).to_frame()
    counted = (
        frame.filter(pl.col(_VALUE).is_not_null())
        .group_by([*names, _VALUE])
        .agg(pl.len().alias(_COUNT))
    )
    if not names:
        if counted.height:
            yield (), [counted[name].to_list() for name in (_VALUE, _COUNT)][: len(lists)]
        return
    for row in counted.group_by(names).agg(lists).iter_rows():
        yield row[: len(names)], list(row[len(names) :])
