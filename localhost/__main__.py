"""Entry point of `python -m localhost`."""

import sys

from localhost.cli import main

if __name__ == "__main__":
    sys.exit(main())
