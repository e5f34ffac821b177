"""Runs of each size with default settings, beside the textbook, fixed batches and older code.

Sections: `noop` (items that do nothing, inline and JSON lines), `report` (a CSV of 2,000 rows),
`slow` (100 items of 2 s) and `stragglers` (1,000 items of 50 ms, ten of 20 s), both 64 at once.
Contenders take turns on hosts that run side by side, each with an Azurite of its own; medians are
taken. Storage operations are those of Azurite's log, activities, turns, events and messages those
of the host's store, both of a run whose status nobody asks for. A ratio over its budget bears "!".
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.measure import save
from bench.sizes import noop, report, tables, waiting

SECTIONS = ("noop", "report", "slow", "stragglers")
SIZES = (1, 10, 100, 1_000, 10_000, 100_000)
TEXTBOOK_TO = 10_000


def main(words: Sequence[str] = ()) -> None:
    """Measure what the options say, print beside the budgets and save."""
    options = _parse_options(words)
    figures: dict[str, Any] = {"times": options.times}
    if "noop" in options.sections:
        figures["noop"] = _measure_noop(options)
    if "report" in options.sections:
        result = report.measure(options.old, options.times)
        tables.show_report(result)
        figures["report"] = asdict(result)
    figures["waiting"] = _measure_waiting(options)
    print(f"saved {save('sizes', figures)}")


def _measure_noop(options: argparse.Namespace) -> list[dict[str, Any]]:
    results = noop.measure(options.old, options.sizes, options.times, options.textbook_to)
    tables.show_times(results)
    tables.show_processor_times(results)
    tables.show_counts(results)
    return [asdict(result) for result in results]


def _measure_waiting(options: argparse.Namespace) -> list[dict[str, Any]]:
    measures = {"slow": waiting.measure_slow, "stragglers": waiting.measure_stragglers}
    results = [
        measure(options.old, options.slow_times)
        for section, measure in measures.items()
        if section in options.sections
    ]
    if results:
        tables.show_waiting(results)
    return [asdict(result) for result in results]


def _parse_options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench sizes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sections",
        nargs="+",
        default=SECTIONS,
        choices=SECTIONS,
        help=f"what to measure (default {' '.join(SECTIONS)})",
    )
    sizes = " ".join(map(str, SIZES))
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=SIZES,
        metavar="N",
        help=f"items of noop (default {sizes})",
    )
    parser.add_argument("--times", type=int, default=5, help="of each (default %(default)s)")
    parser.add_argument(
        "--slow-times",
        type=int,
        default=2,
        help="of each in slow and stragglers (default %(default)s)",
    )
    parser.add_argument(
        "--textbook-to",
        type=int,
        default=TEXTBOOK_TO,
        metavar="N",
        help="the largest size that the textbook runs, too (default %(default)s)",
    )
    parser.add_argument(
        "--old", type=Path, metavar="PATH", help="another checkout, measured beside this one"
    )
    return parser.parse_args(words)
