"""Going on with a host that is killed again and again, and its workers with it."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.hosts.host_process import HostProcess, running

POLL_SECONDS = 0.1
WORKERS_ODDS = 0.5
FEWEST_HOSTS = 2

Condition = Callable[[HostProcess], bool]


def children(pid: int) -> Iterator[int]:
    """The processes that a process started."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError):  # the thread has ended meanwhile
            yield from map(int, listed.read_text().split())


@dataclass
class Killings:
    """Starts hosts of an app one after the other, and kills them.

    Attributes:
        hosts: How many hosts were killed while something was going on, and `workers` likewise.
        every_seconds: How long a host lives, drawn from between the two.
    """

    app: Path
    folder: Path
    environment: dict[str, str]
    moments: random.Random
    every_seconds: tuple[float, float] = (0.5, 2.0)
    hosts: int = 0
    workers: int = 0
    options: tuple[str, ...] = field(default=("--no-stack", "--workers", "2"))

    @contextlib.contextmanager
    def calm(self) -> Iterator[HostProcess]:
        """A host that is left alone."""
        with running(self.app, self.folder, *self.options, environment=self.environment) as host:
            yield host

    def until(self, is_over: Condition, seconds: float) -> None:
        """Start and kill hosts until it is over, or for so long, or until some were killed.

        A busy machine takes so long for each that else none would be.
        """
        ends, enough = time.monotonic() + seconds, self.hosts + FEWEST_HOSTS
        while time.monotonic() < ends or self.hosts < enough:
            with self.calm() as host:
                if self._outlived(host, is_over):
                    return
                host.stop(signal.SIGKILL)
                self.hosts += 1

    def _outlived(self, host: HostProcess, is_over: Condition) -> bool:
        """Kill workers until the host's time has come; tell whether it was over before."""
        dies = time.monotonic() + self.moments.uniform(*self.every_seconds)
        strikes = time.monotonic() + self._pause()
        while (now := time.monotonic()) < dies:
            if is_over(host):
                return True
            if now >= strikes:
                self._kill_workers(host)
                strikes = now + self._pause()
            time.sleep(min(POLL_SECONDS, max(0.0, dies - now)))
        return is_over(host)

    def _pause(self) -> float:
        return self.moments.uniform(0.1, 0.5)

    def _kill_workers(self, host: HostProcess) -> None:
        for pid in list(children(host.process.pid)):
            if self.moments.random() < WORKERS_ODDS:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.workers += 1
