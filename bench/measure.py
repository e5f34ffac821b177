"""Figures from samples: medians, spread, ratios and growth, as a table and as JSON."""

import json
import math
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(".bench")


def growth_exponent(seconds_by_n: Mapping[int, float]) -> float:
    """Slope of log(seconds) over log(n) by least squares: 1 is linear, 2 is quadratic."""
    xs = [math.log(n) for n in seconds_by_n]
    ys = [math.log(seconds) for seconds in seconds_by_n.values()]
    return statistics.linear_regression(xs, ys).slope


def spread(samples: Sequence[float]) -> float:
    """Half the range of the samples over their median: the noise of this machine."""
    return (max(samples) - min(samples)) / 2 / statistics.median(samples)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table, numbers right-aligned."""
    table = Table(title=title, title_justify="left")
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(width=120).print(table)


def save(name: str, figures: Mapping[str, Any]) -> Path:
    """Write the figures with what the machine is to ``.bench/NAME.json`` and return the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    path.write_text(json.dumps({"machine": machine, **figures}, indent=2) + "\n")
    return path
