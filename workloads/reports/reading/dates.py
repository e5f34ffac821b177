"""Dates as groups: texts become the hour, day, week, month, quarter or year they fall into.

A text is a date if it is one of ISO 8601: ``2013-01-05``, with a time or without
(``2013-01-05T17:30``, ``2013-01-05 17:30:00.250``), and a time with an offset from UTC or without
(``Z``, ``+02:00``). A time is taken as it stands; one with an offset is taken in UTC. The rule
looks at one cell alone, so where a chunk begins does not matter.
"""

from dataclasses import dataclass

import polars as pl

from workloads.reports.parameters import DateKey, Every

_ISO = (
    r"^(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](\d{2}:\d{2})(:\d{2})?(?:[.,]\d{1,9})?(Z|[+-]\d{2}:?\d{2})?)?$"
)
# How much is cut off, and how what is left is written.
_BUCKETS: dict[Every, tuple[str, str]] = {
    "hour": ("1h", "%Y-%m-%dT%H:00"),
    "day": ("1d", "%Y-%m-%d"),
    "week": ("1w", "%Y-%m-%d"),
    "month": ("1mo", "%Y-%m"),
    "quarter": ("1q", "%Y-Q"),
    "year": ("1y", "%Y"),
}


@dataclass(frozen=True)
class Dates:
    """The keys of a column of dates.

    Attributes:
        keys: A text for each row, such as ``2013-01``; texts are in the order of time.
        refused: Rows that are no date and not missing; None if there are none.
    """

    keys: pl.Series
    refused: pl.Series | None


def bucketed(texts: pl.Series, key: DateKey) -> Dates:
    """Read a column of texts; each different text is looked at once."""
    different = texts.unique().drop_nulls()
    keys = _keys(different, key.every)
    found = texts.replace_strict(different, keys, default=None, return_dtype=pl.String)
    refused = found.is_null() & texts.is_not_null()
    return Dates(found, refused if refused.any() else None)


def _keys(texts: pl.Series, every: Every) -> pl.Series:
    parts = pl.col("text").str.extract_groups(_ISO).struct
    written = pl.format(
        "{}T{}{}", parts.field("1"), parts.field("2").fill_null("00:00"),
        parts.field("3").fill_null(":00"),
    )  # fmt: skip
    step, form = _BUCKETS[every]
    moments = written.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    begins = (moments - _offset(parts.field("4"))).dt.truncate(step)
    text = begins.dt.strftime(form)
    if every == "quarter":
        text += begins.dt.quarter().cast(pl.String)
    return texts.alias("text").to_frame().select(text).to_series()


def _offset(texts: pl.Expr) -> pl.Expr:
    """How much later than UTC a clock is; nothing where it does not say."""
    digits = texts.str.replace_all(":", "").str.strip_chars("Z+-")
    hours = digits.str.head(2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.tail(2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(texts.str.starts_with("-")).then(-1).otherwise(1)
    return pl.duration(minutes=sign * (hours * 60 + minutes))
