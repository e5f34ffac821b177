"""The embedded host as a process, seen only from outside."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60
READY = "For detailed output"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are lower-case, repeated ones are kept."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body parsed."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for known, value in self.headers if known == name]

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next(iter(self.all(name)), None)


class HostProcess:
    """A host that is running."""

    def __init__(self, process: subprocess.Popen[str], banner: str, log: Path) -> None:
        self.process = process
        self.banner = banner
        self._log = log
        found = re.search(r"http://localhost:(\d+)", banner)
        self.port = int(found[1]) if found else 0

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        return self._log.read_text(encoding="utf-8")

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in response.getheaders()]
            return Answer(response.status, pairs, response.read())

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.request("GET", path, headers=headers)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=START_SECONDS)


@contextlib.contextmanager
def running(
    app: Path,
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    any_port: bool = True,
) -> Iterator[HostProcess]:
    """Start a host of an app, with its state and log in `folder`.

    Its port is a free one, or without `any_port` what its settings say.
    """
    process, log = launch(app, folder, *options, environment=environment, any_port=any_port)
    try:
        yield HostProcess(process, _read_banner(process, log), log)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=START_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def launch(
    app: Path,
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    any_port: bool = True,
) -> tuple[subprocess.Popen[str], Path]:
    """Start a host without waiting for it; return the process and its log."""
    log = folder / "host.log"
    command = [sys.executable, "-m", "localhost", "start", "--app", str(app)]
    if any_port and "--port" not in options:
        command += ["--port", "0"]
    if "--data" not in options:
        command += ["--data", str(folder / "data")]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, *options],
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        )
    return process, log


def _read_banner(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    overdue = threading.Timer(START_SECONDS, process.kill)
    overdue.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(READY):
            overdue.cancel()
            return "".join(lines)
    overdue.cancel()
    raise AssertionError(f"the host ended with {process.wait()}:\n{log.read_text()}")
