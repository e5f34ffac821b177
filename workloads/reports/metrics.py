"""The figures that a report can give of a column.

``count``, ``sum``, ``mean``, ``min``, ``max`` and ``std`` are exact. ``p90`` and the like are
quantiles, ``approx_distinct`` is a count: each is within the `RELATIVE_ERROR` of its module in
`workloads.reports.statistics`.
"""

import re
from enum import StrEnum
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema


class ExactMetric(StrEnum):
    """The figures that are exact."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    STD = "std"


# The figure of a group that belongs to no column.
ROWS = "rows"
DISTINCT = "approx_distinct"
# Stands for the usual quantiles.
QUANTILES = "quantiles"
USUAL_QUANTILES = ("p50", "p90", "p99")
QUANTILE = r"p(?:100|[0-9]{1,2}(?:\.[0-9]{1,4})?)"
_NAMES = (*(metric.value for metric in ExactMetric), DISTINCT, QUANTILES)
_FIGURE_NAME = re.compile(rf"(.*)\.({'|'.join(ExactMetric)}|{DISTINCT}|{QUANTILE})", re.DOTALL)


def is_quantile(metric: str) -> bool:
    """Whether a metric is a quantile, such as ``p99.9``."""
    return re.fullmatch(QUANTILE, metric) is not None


def quantile_fraction(quantile: str) -> Fraction:
    """The part of the values that is at or below a quantile: 0.9 for ``p90``, exactly."""
    return Fraction(quantile[1:]) / 100


def needs_numbers(metrics: list[str]) -> bool:
    """Whether cells must be numbers: for every metric but distinct counts, which are of texts."""
    return any(metric != DISTINCT for metric in metrics)


def figure_name(column: str, metric: str) -> str:
    """The name of a figure in the report: ``dep_delay.mean``."""
    return f"{column}.{metric}"


def parse_figure_name(name: str) -> tuple[str, str] | None:
    """The column and the metric of a figure; None for ``rows``.

    Both may have dots: a column ``a.b``, a quantile ``p99.9``.
    """
    match = _FIGURE_NAME.fullmatch(name)
    return (match[1], match[2]) if match is not None else None


def require_distinct(names: list[str]) -> None:
    """Refuse a list with a name twice.

    Raises:
        ValueError: It has one.
    """
    if len(set(names)) < len(names):
        raise ValueError("it names one thing twice")


def _check_name(name: str) -> str:
    if name in _NAMES or is_quantile(name):
        return name
    choices = ", ".join(f"'{choice}'" for choice in _NAMES)
    raise ValueError(
        f"there is no metric '{name}'; there are {choices}, and quantiles such as 'p90'"
    )


def _expand_quantiles(metrics: list[str]) -> list[str]:
    """Replace ``quantiles`` by the usual quantiles."""
    names = [
        name
        for metric in metrics
        for name in (USUAL_QUANTILES if metric == QUANTILES else (metric,))
    ]
    require_distinct(names)
    return names


Metric = Annotated[
    str,
    AfterValidator(_check_name),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [*_NAMES]},
                {"type": "string", "pattern": f"^{QUANTILE}$", "maxLength": 8},
            ]
        }
    ),
]
MAX_METRICS = 1_000
Metrics = Annotated[
    list[Metric], Field(min_length=1, max_length=MAX_METRICS), AfterValidator(_expand_quantiles)
]
