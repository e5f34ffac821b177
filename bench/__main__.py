"""`python -m bench [NAME ...] [--help]`: run benchmarks by name; without one, list them.

`make bench` runs `fanout_fanin`; `make bench BENCH="million reports"` runs others.
"""

import argparse
import importlib
import pkgutil
from pathlib import Path

DEFAULT = ["fanout_fanin"]
PLUMBING = {"__main__", "measure", "host"}


def names() -> list[str]:
    """List the benchmarks: the modules of this folder that measure something."""
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name for name in found if name not in PLUMBING | {"apps", "peers"})


def main() -> None:
    """Parse the names and run them one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", default=DEFAULT, metavar="NAME", help=", ".join(names())
    )
    for name in parser.parse_args().names:
        if name not in names():
            parser.error(f"there is no benchmark '{name}'; there are: {', '.join(names())}")
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
