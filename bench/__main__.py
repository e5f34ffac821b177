"""`python -m bench [NAME ...] [--help]`: run benchmarks by name; without one, `fanout_fanin`.

`make bench` does the same; `make bench BENCH="million reports"` runs others. Options after a name
are for that one: `python -m bench engine --help`.
"""

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

DEFAULT = ["fanout_fanin"]
PLUMBING = {"__main__", "measure", "host", "storage_log", "histories"}
WITH_OPTIONS = {"azure_model", "engine", "many_runs", "sizes"}


def names() -> list[str]:
    """List the benchmarks: the modules of this folder that measure something."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name for name in modules if name not in PLUMBING | {"apps", "peers"})


def main() -> None:
    """Parse the names and run them one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", default=DEFAULT, metavar="NAME", help=", ".join(names())
    )
    arguments, options = split_options(sys.argv[1:])
    chosen = parser.parse_args(arguments).names
    for name in chosen:
        if name not in names():
            parser.error(f"there is no benchmark '{name}'; there are: {', '.join(names())}")
        if options and (len(chosen) > 1 or name not in WITH_OPTIONS):
            parser.error(f"options are for one of {', '.join(sorted(WITH_OPTIONS))}, alone")
        module = importlib.import_module(f"bench.{name}")
        module.main(options) if name in WITH_OPTIONS else module.main()


def split_options(words: list[str]) -> tuple[list[str], list[str]]:
    """Split names from the options after them; without a name, options are for this module."""
    first = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
    return (words[:first], words[first:]) if first else (words, [])


if __name__ == "__main__":
    main()
