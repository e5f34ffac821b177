"""Processes that are started, killed and started again, each by its own id."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
POLL_SECONDS = 0.05
# Below the ports of outgoing connections, one of which would take a port before it is used.
# And below those the Durable extension takes at random for its own (30,000 to 31,000).
PORTS = range(20_000, 30_000)
# .NET binds a port that another process has bound and not yet opened; its listen fails then.
# The extension tries another port for a failed bind alone, so such a start is made again.
PORT_TAKEN = "Address already in use"
STARTS = 3
STOP_SECONDS = 80


def free_port() -> int:
    """A port of the loopback address that nobody has now."""
    for port in random.sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no port of {PORTS} is free")


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@dataclass
class Restartable:
    """A program that can be started again with the same words.

    Attributes:
        log: What it prints, of all its lives.
        is_up: Whether it is ready; asked until it is.
    """

    name: str
    words: Sequence[str | Path]
    log: Path
    is_up: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 120
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is up.

        Raises:
            AssertionError: It ended, or it was not up in time.
        """
        for _ in range(STARTS):
            printed = self.log.stat().st_size if self.log.exists() else 0
            self._launch()
            if self._comes_up():
                return
            if self.is_running or PORT_TAKEN.encode() not in self.log.read_bytes()[printed:]:
                break
        raise AssertionError(f"{self.name} does not start:\n{self.last_words}")

    def _launch(self) -> None:
        """Start its process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.words],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _comes_up(self) -> bool:
        """Wait until it is up; false if it ends first or takes too long."""
        ends = time.monotonic() + self.start_seconds
        while not self.is_up():
            if not self.is_running or time.monotonic() > ends:
                return False
            time.sleep(POLL_SECONDS)
        return True

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.process is not None and self.is_running:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it without a word of warning."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self.signal(signal.SIGTERM)
        self.wait()

    def wait(self) -> None:
        """Wait for its end."""
        if self.process is None:
            return
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
