"""`python -m demo [NAME]`: run a demo, from an empty host to its result."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from azure.core.exceptions import AzureError
from rich.console import Console

from demo import images, notifications, orders, reports
from demo.errors import DemoError
from demo.host import ROOT, EmbeddedHost
from demo.scene import Scene
from samples.flights import MissingDataError
from samples.orders import MissingGeneratorError

DEMOS: dict[str, Callable[[Scene], None]] = {
    "reports": reports.run,
    "images": images.run,
    "notifications": notifications.run,
    "orders": orders.run,
}
SETTINGS = {
    "images": images.SETTINGS,
    "notifications": notifications.SETTINGS,
    "orders": orders.SETTINGS,
}
INTERRUPTED = 130
EXPECTED = (DemoError, MissingDataError, MissingGeneratorError, AzureError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a demo and return the exit code."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    start = time.monotonic()
    try:
        with EmbeddedHost(options.folder, SETTINGS.get(options.demo)) as host:
            try:
                DEMOS[options.demo](Scene(host, options.folder, console))
            except EXPECTED as error:
                console.print(f"\n{error}\n\nThe end of {host.log}:\n", markup=False)
                console.print(host.last_words(), markup=False)
                return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything is stopped.")
        return INTERRUPTED
    console.print(f"Done in {time.monotonic() - start:.1f} seconds; everything is stopped.")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Run a demo of Fanout.")
    parser.add_argument("demo", nargs="?", default="reports", choices=sorted(DEMOS))
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / ".demo",
        metavar="DIR",
        help="where it leaves what it made (default: .demo)",
    )
    return parser.parse_args(arguments)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
