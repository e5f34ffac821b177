"""A real Azurite for tests, of its own process and data, on free ports.

`python -m tests.support.services.azurite FOLDER` prints its connection string, and runs it until
SIGTERM.
"""

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from localhost.stack.azurite import DEVELOPMENT, Azurite

SETTING = "STORAGE"


@contextlib.contextmanager
def running_azurite(folder: Path) -> Iterator[str]:
    """Start one and give its connection string; it outlives the hosts that a test kills."""
    loop = asyncio.new_event_loop()
    # A thread of its own, which lives as long as Azurite does: its end would be Azurite's.
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    azurite = Azurite(folder / "azurite", {SETTING: DEVELOPMENT}, may_share=False)
    try:
        started = asyncio.run_coroutine_threadsafe(azurite.start(), loop)
        yield started.result(timeout=60)[SETTING]
    finally:
        asyncio.run_coroutine_threadsafe(azurite.stop(), loop).result(timeout=60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def main() -> None:
    """Run one for whoever is no test."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with running_azurite(Path(sys.argv[1])) as connection:
        print(connection, flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
