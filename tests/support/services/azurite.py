"""A real Azurite for tests, of its own process and data, on free ports."""

import asyncio
import contextlib
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
