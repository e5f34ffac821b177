"""The embedded host as a process: start it on a free port, wait until it is ready, stop it."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from demo.errors import DemoError

ROOT = Path(__file__).parents[1]
START_SECONDS = 60
STOP_SECONDS = 20
POLL_SECONDS = 0.05
TAIL_LINES = 40
_ORIGIN = re.compile(r"http://localhost:\d+(?=/)")


class EmbeddedHost:
    """A host with fresh state; a context manager that leaves no process behind.

    Args:
        folder: Where it keeps its log, and its state until it is stopped.
        settings: App settings besides those of the example.
        app: The folder of the function app.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, str] | None = None, app: Path = ROOT
    ) -> None:
        self._app = app
        self._settings = dict(settings or {})
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "host.log"
        # After a kill the storage emulator may still write while this folder is removed.
        self._state = tempfile.TemporaryDirectory(
            prefix="host-", dir=folder, ignore_cleanup_errors=True
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "EmbeddedHost":
        """Start it without waiting for it."""
        command = [sys.executable, "-m", "localhost", "start"]
        options = ["--app", str(self._app), "--port", "0", "--data", self._state.name]
        environment = {**os.environ, **_example_settings(), **self._settings}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*command, *options],
                cwd=ROOT,
                env={**environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops the host
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it and every process that it started."""
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._state.cleanup()

    def wait_until_ready(self) -> str:
        """Wait until it serves the app; return the address.

        Raises:
            DemoError: It ended, or took too long.
        """
        if self._process is None:
            raise RuntimeError("the host was not started")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            origin = _ORIGIN.search(self.log.read_text(errors="replace"))
            if origin is not None:
                return origin.group()
            if self._process.poll() is not None:
                raise DemoError(f"The host ended at once with code {self._process.returncode}.")
            time.sleep(POLL_SECONDS)
        raise DemoError(f"The host was not ready within {START_SECONDS} seconds.")

    def connection_string(self) -> str:
        """The connection string of its storage, once it is ready."""
        return self._stack_setting("FANOUT_STORAGE")

    def service_bus(self) -> str:
        """The connection string of its Service Bus, once it is ready."""
        return self._stack_setting("FANOUT_SERVICE_BUS")

    def _stack_setting(self, name: str) -> str:
        stack = json.loads(Path(self._state.name, "stack.json").read_text())
        return str(stack[name])

    def mails(self) -> Path:
        """The folder of its mail sink; it is removed when the host is stopped."""
        return Path(self._state.name, "mails")

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])


def _example_settings() -> dict[str, str]:
    """The app settings of the example: they do not depend on the machine."""
    example = json.loads((ROOT / "local.settings.json.example").read_text())
    return dict(example["Values"])
