"""A host as a process, seen only from outside: the embedded one, or another with its options."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rig.processes import REPOSITORY
from rig.web import Answer, Host

__all__ = ["EMBEDDED", "REPOSITORY", "Answer", "Host", "HostProcess", "launch", "running"]

EMBEDDED = (sys.executable, "-m", "localhost", "start")
START_SECONDS = 180
# Another host finds free ports before it uses them; somebody may take one meanwhile.
STARTS_OF_ANOTHER = 3
STOP_SECONDS = 150
READY = "For detailed output"


class HostProcess(Host):
    """A host that is running as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], banner: str, log: Path) -> None:
        found = re.search(r"http://localhost:(\d+)", banner)
        super().__init__("127.0.0.1", int(found[1]) if found else 0)
        self.process = process
        self.banner = banner
        self._log = log

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        return self._log.read_text(encoding="utf-8")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, a kill to all that it has started too, and return the exit code."""
        if number == signal.SIGKILL and _leads_a_group(self.process):
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(timeout=STOP_SECONDS)


@contextlib.contextmanager
def running(
    app: Path,
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    any_port: bool = True,
    command: Sequence[str] = EMBEDDED,
) -> Iterator[HostProcess]:
    """Start a host of an app, with its state and log in `folder`.

    Its port is a free one, or without `any_port` what its settings say.
    """
    starts = 1 if command is EMBEDDED else STARTS_OF_ANOTHER
    for left in reversed(range(starts)):
        process, log = launch(
            app, folder, *options, environment=environment, any_port=any_port, command=command
        )
        with _ending(process):
            banner = _read_banner(process)
            if banner is not None:
                yield HostProcess(process, banner, log)
                return
        assert left, f"the host ended with {process.returncode}:\n{_said(folder)}"


def launch(
    app: Path,
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    any_port: bool = True,
    command: Sequence[str] = EMBEDDED,
) -> tuple[subprocess.Popen[str], Path]:
    """Start a host without waiting for it; return the process and its log."""
    log = folder / "host.log"
    words = [*command, "--app", str(app)]
    if any_port and "--port" not in options:
        words += ["--port", "0"]
    if "--data" not in options:
        words += ["--data", str(folder / "data")]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*words, *options],
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
            # The embedded host's workers end with it; what another starts is killed with its group.
            start_new_session=command is not EMBEDDED,
        )
    return process, log


def _leads_a_group(process: subprocess.Popen[str]) -> bool:
    return os.getpgid(process.pid) == process.pid


@contextlib.contextmanager
def _ending(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=STOP_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def _said(folder: Path) -> str:
    logs = [folder / "host.log", *folder.glob("data/*.log")]
    return "\n".join(log.read_text(errors="replace")[-4000:] for log in logs if log.is_file())


def _read_banner(process: subprocess.Popen[str]) -> str | None:
    """What it says until it is ready; nothing if it ends before."""
    assert process.stdout is not None
    overdue = threading.Timer(START_SECONDS, process.terminate)
    overdue.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(READY):
            overdue.cancel()
            return "".join(lines)
    overdue.cancel()
    return None
