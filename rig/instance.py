"""One instance of an app: an engine, the worker that it calls, and where they answer."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from rig.processes import Restartable
from rig.web import Host


@dataclass
class Instance:
    """An engine and its worker.

    Attributes:
        host: Where the app answers.
        revives: Whether a worker that died is started again, as Azure's host does.
    """

    name: str
    host: Host
    engine: Restartable
    worker: Restartable
    ready: Path
    revives: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        """Start the worker and then the engine that calls it."""
        with self.lock:
            self.ready.unlink(missing_ok=True)
            self.worker.start()
            self.engine.start()

    def kill(self) -> None:
        """Kill both at once, as the end of a machine does."""
        with self.lock:
            self.engine.kill()
            self.worker.kill()

    def terminate(self) -> None:
        """Ask the engine to end, as a scale-in does, and then the worker."""
        with self.lock:
            self.engine.stop()
            self.worker.stop()

    def kill_engine(self) -> None:
        """Kill the engine alone; what the worker has in hand it goes on with."""
        with self.lock:
            self.engine.kill()

    def restart_engine(self) -> None:
        """Start another engine, which calls the worker that is there."""
        with self.lock:
            self.ready.unlink(missing_ok=True)
            self.engine.start()

    def kill_worker(self) -> None:
        """Kill the worker alone; the engine finds out by itself."""
        with self.lock:
            self.worker.kill()

    def restart_worker(self) -> None:
        """Start another worker on the same ports."""
        with self.lock:
            if not self.worker.is_running:
                self.worker.start()

    @property
    def needs_worker(self) -> bool:
        """Whether its worker is gone while the engine is there."""
        return self.revives and self.engine.is_running and not self.worker.is_running
