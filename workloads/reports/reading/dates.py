"""Dates as groups: texts become the hour, day, week, month, quarter or year that they belong to.

A text is a date if it is one of ISO 8601: ``2013-01-05``, with or without a time
(``2013-01-05T17:30``, ``2013-01-05 17:30:00.250``), which may have an offset from UTC (``Z``,
``+02:00``). A time is taken as it stands; one with an offset is converted to UTC. The rule looks at
one cell alone, so where a chunk begins does not matter. The calendar has the years 1 to 9999, also
once a time is in UTC, and an offset is less than a day.
"""

from dataclasses import dataclass

import polars as pl

from workloads.reports.parameters import DateKey, Every

# Digits are those of ASCII: `\d` has more.
_ISO = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:[.,][0-9]{1,9})?"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?)?$"
)
_FIRST_YEAR, _LAST_YEAR = 1, 9999
# The time span that a date is truncated to, and the format of what remains.
_SPANS: dict[Every, tuple[str, str]] = {
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
        invalid: Rows that are no date and not missing; None if there are none.
    """

    keys: pl.Series
    invalid: pl.Series | None


def truncate_dates(texts: pl.Series, key: DateKey) -> Dates:
    """Parse and truncate a column of texts, each distinct text once."""
    distinct = texts.unique().drop_nulls()
    keys = texts.replace_strict(
        distinct, _keys(distinct, key.every), default=None, return_dtype=pl.String
    )
    invalid = keys.is_null() & texts.is_not_null()
    return Dates(keys, invalid if invalid.any() else None)


def _keys(texts: pl.Series, every: Every) -> pl.Series:
    parts = pl.col("text").str.extract_groups(_ISO).struct
    date, offset = parts.field("1"), parts.field("4")
    minutes, seconds = parts.field("2").fill_null("00:00"), parts.field("3").fill_null(":00")
    iso_text = pl.format("{}T{}{}", date, minutes, seconds)
    span, form = _SPANS[every]
    times = iso_text.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    moments = times - _offset(offset)
    is_date = moments.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR)
    starts = pl.when(is_date).then(moments).dt.truncate(span)
    text = starts.dt.strftime(form)
    if every == "quarter":
        text += starts.dt.quarter().cast(pl.String)
    return texts.alias("text").to_frame().select(text).to_series()


def _offset(texts: pl.Expr) -> pl.Expr:
    """The offset from UTC as a duration; zero where there is none."""
    digits = texts.str.replace_all(":", "").str.strip_chars("Z+-")
    hours = digits.str.head(2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.tail(2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(texts.str.starts_with("-")).then(-1).otherwise(1)
    return pl.duration(minutes=sign * (hours * 60 + minutes))
