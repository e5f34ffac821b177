"""Asks a host all cases and compares what it does with the engine's record.

    python -m tests.conformance [--host embedded|PATH|URL] [--out FILE] [CASE ...]

PATH is a program with the options of `python -m localhost start`. A CASE is a pattern.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conformance import comparison
from tests.conformance.hosts import host_at
from tests.conformance.recorder import record, say


def main() -> int:
    """Record, write, compare; 1 where something differs that is not in the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--host", default="embedded")
    parser.add_argument("--out", type=Path, default=Path(".conformance.json"))
    options = parser.parse_args()
    with _folder() as folder, host_at(options.host, folder) as base:
        records = record(base, options.cases, say)
    comparison.write(options.out, records)
    return _compare(records, options.out)


def _compare(records: dict[str, object], out: Path) -> int:
    from tests.conformance.differences import DIFFERENCES

    engine = comparison.engine()
    differing = []
    for name in sorted(records):
        found = list(comparison.differences(engine.get(name), records[name]))
        if found:
            differing.append(name)
            print(f"{name}: {DIFFERENCES.get(name, 'differs')}\n{comparison.told(iter(found))}")
    new = [name for name in differing if name not in DIFFERENCES]
    print(f"{len(records) - len(differing)} of {len(records)} equal; recorded in {out}")
    return 1 if new else 0


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="conformance-") as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
