"""Stands before the table service, passes all on, and takes note of every row that is written."""

import asyncio
import contextlib
import json
import threading
from typing import Any

from rig.processes import free_port

CHUNK_BYTES = 1 << 16
# Where a row begins in what is sent: its JSON is at the beginning of a line.
BEGINNING = b"\n{"
_DECODER = json.JSONDecoder()


class Recorder:
    """A relay of connections.

    Attributes:
        rows: What was sent, in the order of sending: each row as the JSON of its writer.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.rows: list[dict[str, Any]] = []
        self._target = target
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        listening = asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()

    def stop(self) -> None:
        """Let go of all connections."""
        if self._server:
            asyncio.run_coroutine_threadsafe(_closed(self._server), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            back, forth = await asyncio.open_connection("127.0.0.1", self._target)
            noted = Noted(self.rows)
            await asyncio.gather(_pass(reader, forth, noted), _pass(back, writer))

    @property
    def mark(self) -> int:
        """How many rows were sent so far."""
        return len(self.rows)


class Noted:
    """What one connection has sent, as far as no row was found in it."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self._open = b""

    def take(self, data: bytes) -> None:
        """Take note of the rows that are whole now."""
        self._open += data
        while (at := self._open.find(BEGINNING)) >= 0:
            text = self._open[at + 1 :].decode(errors="replace")
            try:
                row, length = _DECODER.raw_decode(text)
            except ValueError:
                return  # the rest is under way
            self._rows.append(row)
            self._open = self._open[at + 1 + len(text[:length].encode()) :]
        self._open = self._open[-1:]


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noted: Noted | None = None
) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            if noted:
                noted.take(data)
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def _closed(server: asyncio.Server) -> None:
    """Take no more connections, and end those that there are."""
    server.close()
    relays = asyncio.all_tasks() - {asyncio.current_task()}
    for task in relays:
        task.cancel()
    await asyncio.gather(*relays, return_exceptions=True)
