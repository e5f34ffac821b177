"""The figures that a report can give of a column, and what each of them needs to be known.

``count``, ``sum``, ``mean``, ``min``, ``max`` and ``std`` are exact. ``p90`` and the like are
quantiles, ``approx_distinct`` is a count: each is within the `RELATIVE_ERROR` of its module in
`workloads.reports.statistics`.
"""

import re
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

EXACT = ("count", "sum", "mean", "min", "max", "std")
DISTINCT = "approx_distinct"
QUANTILES = "quantiles"
USUAL_QUANTILES = ("p50", "p90", "p99")
QUANTILE = r"p(?:100|[0-9]{1,2}(?:\.[0-9]{1,4})?)"


def _known(name: str) -> str:
    if name in (*EXACT, DISTINCT, QUANTILES) or is_quantile(name):
        return name
    listed = ", ".join(f"'{known}'" for known in (*EXACT, DISTINCT, QUANTILES))
    raise ValueError(
        f"there is no metric '{name}'; there are {listed}, and quantiles such as 'p90'"
    )


Metric = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [*EXACT, DISTINCT, QUANTILES]},
                {"type": "string", "pattern": f"^{QUANTILE}$"},
            ]
        }
    ),
]


def _written_out(metrics: list[str]) -> list[str]:
    """Put the usual quantiles in the place of the name for them all."""
    full = [
        name
        for metric in metrics
        for name in (USUAL_QUANTILES if metric == QUANTILES else (metric,))
    ]
    if len(set(full)) < len(full):
        raise ValueError("it names one thing twice")
    return full


Metrics = Annotated[list[Metric], Field(min_length=1), AfterValidator(_written_out)]


def is_quantile(metric: str) -> bool:
    """Whether a metric is a quantile, such as ``p99.9``."""
    return re.fullmatch(QUANTILE, metric) is not None


def fraction_of(quantile: str) -> Fraction:
    """Tell which part of the values is at or below a quantile: 0.9 for ``p90``, exactly."""
    return Fraction(quantile[1:]) / 100


def needs_numbers(metrics: list[str]) -> bool:
    """Whether cells must be numbers: for all but distinct counts, which are of texts."""
    return any(metric != DISTINCT for metric in metrics)
