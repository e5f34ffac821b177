"""The development broker beside the host: started on a free port, and stopped with it.

It is started only if a setting asks for it: `UseDevelopmentServiceBus=true`, the sibling of
storage's, or `UseDevelopmentEmulator=true`, alone or in Microsoft's
connection string for its emulator, with no port. It ends with the host, however that ends; what
it has accepted is in its file.
"""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from localhost.stack.child_process import stop_process

DEVELOPMENT = "UseDevelopmentEmulator=true"
SHORT = "UseDevelopmentServiceBus=true"
START_SECONDS = 15.0
STOP_SECONDS = 10.0
_CONNECTION_STRING = re.compile(r"Connection string: (\S+)")
_WITH_PORT = re.compile(r"Endpoint=sb://[^;/]+:\d+", re.IGNORECASE)
_KEPT_LINES = 40


class ServiceBusError(Exception):
    """The broker does not run; the message has its last words."""


class ServiceBus:
    """One broker process.

    Args:
        folder: Where it keeps its messages.
        settings: The app's settings; those that ask for the development broker get its address.
        entities: The JSON file of its queues and topics.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], entities: Path) -> None:
        self._folder = folder
        self._entities = entities
        self._setting_names = [name for name, value in settings.items() if asks_for_broker(value)]
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._last_words: list[str] = []

    @property
    def pid(self) -> int | None:
        """The process id, None where nothing was started."""
        return None if self._process is None else self._process.pid

    async def start(self) -> dict[str, str]:
        """Start it if it is needed; return the settings to override, by name.

        Raises:
            ServiceBusError: It did not start.
        """
        if not self._setting_names:
            return {}
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                address = await self._read_address()
        except TimeoutError as error:
            await self.stop()
            raise ServiceBusError(
                self._complaint(f"did not start in {START_SECONDS:.0f} s")
            ) from error
        if address is None:
            await self.stop()
            raise ServiceBusError(self._complaint("ended at once"))
        self._reader = asyncio.create_task(self._drain())
        return dict.fromkeys(self._setting_names, address)

    async def stop(self) -> None:
        """Stop it if it was started here."""
        process = self._process
        if process is None:
            return
        await stop_process(process, STOP_SECONDS)
        if self._reader is not None:
            await self._reader
        self._process = self._reader = None

    def _command(self) -> list[str]:
        places = ["--data", str(self._folder), "--entities", str(self._entities)]
        ending = ["--port", "0", "--parent", str(os.getpid())]
        return [sys.executable, "-m", "localhost.stack.broker", *places, *ending]

    async def _read_address(self) -> str | None:
        while (line := await self._read_line()) is not None:
            match = _CONNECTION_STRING.search(line)
            if match is not None:
                return match[1]
        return None

    async def _drain(self) -> None:
        while await self._read_line() is not None:
            pass

    async def _read_line(self) -> str | None:
        assert self._process is not None and self._process.stdout is not None  # noqa: S101
        raw = await self._process.stdout.readline()
        if not raw:
            return None
        line = raw.decode(errors="replace").rstrip()
        self._last_words = [*self._last_words[-_KEPT_LINES:], line]
        return line

    def _complaint(self, problem: str) -> str:
        return "\n  ".join([f"The Service Bus broker {problem}:", *self._last_words])


def asks_for_broker(value: str) -> bool:
    """Whether a setting's value names the development broker and leaves its port open."""
    if value.strip().rstrip(";").lower() == SHORT.lower():
        return True
    return DEVELOPMENT.lower() in value.lower() and not _WITH_PORT.search(value)


def _environment() -> dict[str, str]:
    """This process's, in which the broker's package is found whatever the folder."""
    root = str(Path(__file__).parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
