"""The watchdog, run by hand again and again: a test need not wait for its timer, or has none."""

import contextlib
import threading
from collections.abc import Iterator
from http.client import HTTPException

from fanout.naming.functions import WATCHDOG
from tests.support.hosts.host_process import Host

EVERY_SECONDS = 3


@contextlib.contextmanager
def ticking(host: Host) -> Iterator[None]:
    """Have the watchdog look every few seconds."""
    is_over = threading.Event()

    def tick() -> None:
        while not is_over.wait(EVERY_SECONDS):
            with contextlib.suppress(OSError, HTTPException):
                host.run_timer(WATCHDOG)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
