"""Instances of a host on one task hub, each with a worker of its own, to be killed and revived.

The folder of the host has the program that `--host` names, `worker.py`, and `unpack.py`, which
prints where the engine is. Everything runs on free ports and ends by pid.
"""

import contextlib
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from rig.instance import Instance
from rig.partitions import wait_for_balance
from rig.processes import REPOSITORY, Restartable, answers, free_port
from rig.storage import Storage
from rig.table_proxy import TableProxy
from rig.web import Host

PARTS = ("worker.py", "unpack.py")
HOST_JSON = REPOSITORY / "host.json"
REVIVE_SECONDS = 2.0
CLOCK_SECONDS = 30.0
WATCHDOG = "watchdog"


def is_engine(folder: Path | None) -> bool:
    """Whether a folder has all that a cluster is made of."""
    return folder is not None and all((folder / part).is_file() for part in PARTS)


@dataclass(frozen=True)
class Ports:
    """Free ports of one instance."""

    http: int = field(default_factory=free_port)
    invoke: int = field(default_factory=free_port)
    management: int = field(default_factory=free_port)


class Cluster:
    """Instances that share a task hub and a storage account."""

    def __init__(self, engine_folder: Path, folder: Path, *, through_proxy: bool = False) -> None:
        self.hub = f"H{secrets.token_hex(6)}"
        self.folder = folder
        self.instances: list[Instance] = []
        self.storage = Storage(folder)
        self._parts = engine_folder
        self.tables = TableProxy(self.storage) if through_proxy else None
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._revive, daemon=True)]

    @property
    def connection(self) -> str:
        """What engines and apps are given: through the proxy where there is one."""
        return self.tables.connection if self.tables else self.storage.connection

    def start(self) -> None:
        """Start the storage and what stands before it."""
        self.storage.process.start()
        if self.tables:
            self.tables.start()
        for thread in self._threads:
            thread.start()

    def add(
        self,
        app: Path,
        *,
        host_json: Path = HOST_JSON,
        overrides: Mapping[str, str] | None = None,
        revives: bool = False,
        **settings: str,
    ) -> Instance:
        """Start one more instance, with an app, and settings of host.json (a:b:c) and of the app.

        One after the other: each engine takes the first free port for its local endpoint.
        """
        name = f"instance{len(self.instances)}"
        ports = Ports()
        ready, manifest = self._ready_file(name), self._manifest(name)
        engine = self._engine_command(name, ports, host_json, overrides or {})
        worker = self._worker_command(name, ports, app)
        engine_log, worker_log = self.folder / f"{name}.log", self.folder / f"{name}.worker.log"
        environment = self._environment(settings)

        def is_worker_up() -> bool:
            return answers(ports.invoke) and answers(ports.http) and manifest.exists()

        instance = Instance(
            name,
            Host("127.0.0.1", ports.http),
            Restartable(f"engine {name}", engine, engine_log, ready.exists, environment),
            Restartable(f"worker {name}", worker, worker_log, is_worker_up, environment),
            ready,
            revives,
        )
        instance.start()
        self.instances.append(instance)
        return instance

    def run_watchdog(self) -> bool:
        """Let one instance that is there do what the timer does in Azure; tell whether one did."""
        for instance in self.instances:
            if instance.engine.is_running and instance.worker.is_running:
                with contextlib.suppress(OSError, HTTPException):
                    return instance.host.run_timer(WATCHDOG) == 202
        return False

    def wait_for_workers(self, seconds: float = 60) -> None:
        """Wait until no instance misses its worker."""
        ends = time.monotonic() + seconds
        while any(instance.needs_worker for instance in self.instances):
            assert time.monotonic() < ends, "a worker is not started again"
            time.sleep(0.1)
        for instance in self.instances:
            with instance.lock:  # whoever starts a worker holds it until that is up
                pass

    def wait_for_balance(self) -> None:
        """Wait until the instances that run share the partitions of the hub evenly."""
        running = sum(instance.engine.is_running for instance in self.instances)
        wait_for_balance(self.storage.connection, self.hub, running)

    @contextlib.contextmanager
    def clock(self, every_seconds: float = CLOCK_SECONDS) -> Iterator[None]:
        """Run the watchdog every so often, as Azure's timer does."""
        is_over = threading.Event()

        def tick() -> None:
            while not is_over.wait(every_seconds):
                self.run_watchdog()

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start the storage; stop everything at the end."""
        try:
            self.start()
            yield
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop everything: the engines at once, then what they need."""
        self._ending.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        engines = [instance.engine for instance in self.instances]
        for engine in engines:
            engine.signal(15)
        workers = [instance.worker for instance in self.instances]
        for process in [*engines, *workers]:
            process.stop()
        if self.tables:
            self.tables.stop()
        self.storage.process.stop()

    def _ready_file(self, name: str) -> Path:
        return self.folder / f"{name}.ready"

    def _manifest(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _worker_command(self, name: str, ports: Ports, app: Path) -> list[str | Path]:
        command: list[str | Path] = [sys.executable, self._parts / "worker.py", "serve"]
        command += ["--app", app, "--manifest", self._manifest(name)]
        command += ["--ready-file", self._ready_file(name)]
        command += ["--engine-url", f"http://127.0.0.1:{ports.management}"]
        command += ["--invoke-port", str(ports.invoke), "--http-port", str(ports.http)]
        return command

    def _engine_command(
        self, name: str, ports: Ports, host_json: Path, overrides: Mapping[str, str]
    ) -> list[str | Path]:
        command: list[str | Path] = [_program(self._parts)]
        command += ["--manifest", self._manifest(name), "--hub", self.hub]
        command += ["--worker-url", f"http://127.0.0.1:{ports.invoke}"]
        command += ["--connection", self.connection, "--port", str(ports.management)]
        command += ["--public-url", Host("127.0.0.1", ports.http).origin, "--webhook-key", ""]
        command += ["--ready-file", self._ready_file(name), "--instance", name]
        command += ["--host-json", host_json, "--log", "Host.Triggers.DurableTask=Information"]
        for path, value in overrides.items():
            command += ["--set", f"extensions:durableTask:{path}={value}"]
        return command

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        given = {
            "AzureWebJobsStorage": self.connection,
            "FANOUT_STORAGE": self.connection,
            "FANOUT_SOURCE_CONTAINERS": "*",
            "FANOUT_LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(REPOSITORY),
            # The extension would send its traces there.
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "",
        }
        return given | dict(settings)

    def _revive(self) -> None:
        missing: dict[str, float] = {}
        while not self._ending.wait(0.2):
            for instance in list(self.instances):
                if not instance.needs_worker:
                    missing.pop(instance.name, None)
                elif time.monotonic() - missing.setdefault(instance.name, time.monotonic()) > (
                    REVIVE_SECONDS
                ):
                    with contextlib.suppress(AssertionError):
                        instance.restart_worker()


def _program(parts: Path) -> str:
    told = subprocess.run(
        [sys.executable, parts / "unpack.py"], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()
