"""`python -m samples.flights OUT.csv`: write the flights as CSV."""

import sys
from pathlib import Path

from samples.flights import ROWS, MissingDataError, write_flights


def main(arguments: list[str]) -> int:
    """Write the file; return the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m samples.flights OUT.csv", file=sys.stderr)
        return 2
    target = Path(arguments[0])
    try:
        write_flights(target)
    except (MissingDataError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target}: {ROWS:,} flights, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
