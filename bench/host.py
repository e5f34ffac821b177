"""The embedded host as a process under measurement."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient, ContainerClient

from rig.processes import free_port

ROOT = Path(__file__).parents[1]
START_SECONDS = 30
# Polling a run takes some of the cores that it runs on.
POLL_SECONDS = 0.25


class HostClient:
    """A client of a host, over one open HTTP connection, and of its storage."""

    def __init__(self, port: int, storage: str = "") -> None:
        self.port = port
        self._storage = storage
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=900)

    @property
    def storage(self) -> str:
        """The connection string of its storage."""
        return self._storage

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send JSON and return the status and the parsed response."""
        headers = {"Content-Type": "application/json"}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self._connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None

    def container(self, name: str) -> ContainerClient:
        """A container of its storage, made if need be."""
        service = BlobServiceClient.from_connection_string(self.storage)
        container = service.get_container_client(name)
        if not container.exists():
            container.create_container()
        return container

    def run(
        self, request: dict[str, Any], poll_seconds: float = POLL_SECONDS
    ) -> tuple[float, dict[str, Any]]:
        """Carry out a run, which the request names; return its seconds and its last status."""
        start = time.perf_counter()
        status, answer = self.request("POST", "/api/runs", request)
        if status != 202:
            raise SystemExit(f"the run was refused: {answer}")
        while True:
            _, state = self.request("GET", f"/api/runs/{request['run_id']}")
            if state["phase"] == "done":
                return time.perf_counter() - start, state
            time.sleep(poll_seconds)

    def stream_lines(self, url: str) -> Iterator[bytes]:
        """Read a text file line by line over a connection of its own."""
        with urllib.request.urlopen(url, timeout=60) as response:
            yield from response


class MeasuredHost(HostClient):
    """The embedded host as a running process."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        port: int,
        data: Path,
        seconds_to_start: float,
        storage: str = "",
    ) -> None:
        super().__init__(port, storage)
        self.process = process
        self.data = data
        self.seconds_to_start = seconds_to_start

    @property
    def storage(self) -> str:
        """The connection string of its own storage, or of that which it was told to use."""
        return self._storage or str(
            json.loads((self.data / "stack.json").read_text())["FANOUT_STORAGE"]
        )

    def peak_mib(self) -> float:
        """Peak resident memory of the host and its workers, added up; not the emulators'."""
        return sum(_kib(pid, "VmHWM") for pid in self._processes()) / 1024

    def resident_mib(self) -> float:
        """Resident memory of the host and its workers now, added up; not the emulators'."""
        return sum(_kib(pid, "VmRSS") for pid in self._processes()) / 1024

    def cpu_seconds(self) -> float:
        """Processor seconds of the host and its workers so far; not the emulators'."""
        return sum(self.cpu_seconds_each())

    def cpu_seconds_each(self) -> list[float]:
        """Processor seconds of each process so far."""
        return [cpu_seconds(pid) for pid in self._processes()]

    def _processes(self) -> Iterator[int]:
        return (pid for pid in _process_tree(self.process.pid) if _is_ours(pid))


def _process_tree(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        for text in child.read_text().split():
            yield from _process_tree(int(text))


def _is_ours(pid: int) -> bool:
    """Tell the host and its workers from the emulators, which Node runs beside a file of ours."""
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return b"-m" in arguments and any(a.partition(b".")[0] == b"localhost" for a in arguments)


def _kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process so far."""
    # The name in parentheses may hold spaces; user and system time are the 14th and 15th field.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def run_host(
    app: Path, *options: str, environment: Mapping[str, str] | None = None, root: Path = ROOT
) -> Iterator[MeasuredHost]:
    """Start the host of a checkout on `app` with a fresh store; stop it at the end.

    Args:
        app: The folder of the app.
        options: More of its command line.
        environment: More settings; `FANOUT_STORAGE` among them goes with `--no-stack`.
        root: The checkout, this one unless given.
    """
    port = free_port()
    storage = (environment or {}).get("FANOUT_STORAGE", "") if "--no-stack" in options else ""
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "localhost", "start", "--app", str(app)]
        log = Path(data, "host.log")
        variables = os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {})
        start = time.perf_counter()
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [*command, "--data", data, "--port", str(port), *options],
                stdout=sink,
                stderr=sink,
                env=variables,
                cwd=root,
            )
        try:
            _wait_until_ready(process, port, log)
            seconds = time.perf_counter() - start
            host = MeasuredHost(process, port, Path(data), seconds, storage)
            with contextlib.closing(host):
                yield host
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the host ended at start:\n{log.read_text()}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with contextlib.closing(connection):
                connection.request("GET", "/admin/host/status")
                if connection.getresponse().status == http.client.OK:
                    return
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"the host did not answer in {START_SECONDS} s:\n{log.read_text()}")
