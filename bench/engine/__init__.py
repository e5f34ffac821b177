"""The product on a host at PATH: runs of each size, more instances, and what a kill costs.

The host is another one than the embedded, whose instances share a task hub
(docs/how-to/any-host.md), with an Azurite of its own and the settings of `host.json`. Everything is
repeated, and its median taken, after a first run that nobody counts.
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
    """Measure what is asked for, print beside the budgets and save."""
    options = _options(words)
    folder = Path(options.host).resolve().parent
    figures: dict[str, Any] = {"times": options.times}
    if options.sizes or options.textbook:
        sizes = runs.measure_sizes(folder, options.sizes, options.textbook, options.times)
        tables.show_sizes(sizes)
        figures["one_instance"] = [asdict(one) for one in sizes]
    if options.instances:
        spread = runs.measure_instances(
            folder, options.instances, options.instance_sizes, options.waiting, options.times
        )
        tables.show_instances(spread)
        figures["instances"] = [asdict(one) for one in spread]
    if options.deaths:
        struck = deaths.measure(folder, options.deaths)
        tables.show_deaths(struck)
        figures["deaths"] = [asdict(one) for one in struck]
    print(f"saved {save('engine', figures)}")


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench engine", description=__doc__)
    parser.add_argument(
        "--host", default=os.environ.get("ENGINE_HOST"), metavar="PATH",
        help="the program of the host, ENGINE_HOST unless given",
    )  # fmt: skip
    _add_numbers(parser, "--sizes", SIZES, "items of runs on one instance")
    _add_numbers(parser, "--textbook", TEXTBOOK_SIZES, "items of textbook fan-outs on one instance")
    _add_numbers(parser, "--instances", INSTANCES, "how many instances")
    _add_numbers(parser, "--instance-sizes", INSTANCE_SIZES, "items of runs on those")
    parser.add_argument(
        "--waiting", type=int, default=runs.WAITING,
        help="items of a second on those, one a batch (default %(default)s; 0 for none)",
    )  # fmt: skip
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
    parser: argparse.ArgumentParser, name: str, usual: Sequence[int], what: str
) -> None:
    told = " ".join(map(str, usual))
    help_text = f"{what} (default {told}; none given for none)"
    parser.add_argument(name, type=int, nargs="*", default=list(usual), metavar="N", help=help_text)
