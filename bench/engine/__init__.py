"""The product on a host at PATH: runs of each size, more instances, and what a kill costs.

The host is not the embedded one: its instances share a task hub (docs/how-to/any-host.md). It has
an Azurite of its own and the settings of `host.json`. Everything is repeated after a first run that
does not count, and the median is taken.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.engine import deaths, runs, tables
from bench.measure import save
from rig.cluster import is_engine

SIZES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
TEXTBOOK_SIZES = (10, 100, 500, 1_000)
INSTANCES = (1, 2, 3)
INSTANCE_SIZES = (1, 100, 10_000)


def main(words: Sequence[str] = ()) -> None:
    """Measure what the options say, print beside the budgets and save."""
    options = _parse_options(words)
    folder = Path(options.host).resolve().parent
    figures: dict[str, Any] = {"times": options.times}
    if options.sizes or options.textbook:
        sizes = runs.measure_sizes(folder, options.sizes, options.textbook, options.times)
        tables.show_sizes(sizes)
        figures["one_instance"] = [asdict(timing) for timing in sizes]
    if options.instances:
        timings = runs.measure_instances(
            folder, options.instances, options.instance_sizes, options.waiting, options.times
        )
        tables.show_instances(timings)
        figures["instances"] = [asdict(timing) for timing in timings]
    if options.deaths:
        kills = deaths.measure(folder, options.deaths)
        tables.show_deaths(kills)
        figures["deaths"] = [asdict(death) for death in kills]
    print(f"saved {save('engine', figures)}")


def _parse_options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench engine", description=__doc__)
    parser.add_argument(
        "--host",
        default=os.environ.get("ENGINE_HOST"),
        metavar="PATH",
        help="the program of the host, ENGINE_HOST unless given",
    )
    _add_numbers(parser, "--sizes", SIZES, "items of runs on one instance")
    _add_numbers(parser, "--textbook", TEXTBOOK_SIZES, "items of textbook fan-outs on one instance")
    _add_numbers(parser, "--instances", INSTANCES, "how many instances")
    _add_numbers(parser, "--instance-sizes", INSTANCE_SIZES, "items of runs on those")
    parser.add_argument(
        "--waiting",
        type=int,
        default=runs.WAITING,
        help="items of a second on those, one a batch (default %(default)s; 0 for none)",
    )
    parser.add_argument("--times", type=int, default=3, help="of each (default %(default)s)")
    parser.add_argument(
        "--deaths", type=int, default=3, help="of each sort (default %(default)s; 0 for none)"
    )
    options = parser.parse_args(words)
    if not is_engine(Path(options.host or "").resolve().parent):
        parser.error("--host names no host whose instances can share a task hub")
    options.instances.sort()
    return options


def _add_numbers(
    parser: argparse.ArgumentParser, name: str, default: Sequence[int], subject: str
) -> None:
    numbers = " ".join(map(str, default))
    parser.add_argument(
        name,
        type=int,
        nargs="*",
        default=list(default),
        metavar="N",
        help=f"{subject} (default {numbers}; none given for none)",
    )
