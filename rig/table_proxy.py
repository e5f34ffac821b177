"""Stands before the table service, takes note of every write, refuses or swallows chosen ones."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from localhost.stack.azurite import connection_string
from rig.processes import free_port
from rig.storage import Storage

Row = dict[str, Any]

READS = {"GET", "HEAD", "OPTIONS"}
# Headers of one connection, or that are set anew.
OURS = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
MOST_BYTES = 1 << 24
# More than none, which aiohttp takes for as long as it likes.
SHUTDOWN_SECONDS = 0.1
# Where a row begins in what is sent: its JSON is at the beginning of a line.
_BEGINNING = re.compile(r"^\{", re.MULTILINE)
_DELETED = re.compile(r"DELETE \S*\(PartitionKey='([^']*)',\s*RowKey='([^']*)'\)")
_DECODER = json.JSONDecoder()


def rows_in(request: str) -> Iterator[Row]:
    """The rows that a request writes, and the keys of those that it deletes, as `deleted`."""
    at = 0
    while found := _BEGINNING.search(request, at):
        row, at = _DECODER.raw_decode(request, found.start())
        yield row
    for partition, key in _DELETED.findall(unquote(request)):
        yield {"PartitionKey": partition, "RowKey": key, "deleted": True}


@dataclass(frozen=True)
class Order:
    """Which writes are not to come through: those with all of some words, quoted or not."""

    words: tuple[str, ...]
    swallows: bool = False

    def is_for(self, text: str) -> bool:
        """Whether a request is such a write."""
        return all(word in text or word in unquote(text) for word in self.words)


@dataclass
class TableProxy:
    """Passes everything on to the tables of a storage account, as long as it has no other order.

    Attributes:
        connection: The connection string of the account with this in place of its tables.
        rows: What was sent, in the order of sending; see `rows_in`.
        met: The last write that was refused or swallowed since that was ordered, if any.
    """

    storage: Storage
    port: int = field(default_factory=free_port)
    rows: list[Row] = field(default_factory=list)
    met: str | None = None
    _order: "Order | None" = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: threading.Thread | None = None

    @property
    def connection(self) -> str:
        """The connection string."""
        return connection_string({**self.storage.ports, "Table": self.port})

    def start(self) -> None:
        """Listen."""
        is_up = threading.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=[self._serve(is_up)], daemon=True
        )
        self._thread.start()
        is_up.wait()

    def stop(self) -> None:
        """Let go of all connections."""
        if self._thread:
            self._loop.call_soon_threadsafe(self._is_over.set)
            self._thread.join()
        self._loop.close()

    def refuse(self, *words: str) -> None:
        """Answer 503 to every write that has all of these words, until `let_through`."""
        self.met, self._order = None, Order(words)

    def hold(self, *words: str) -> None:
        """Never pass on or answer the next such write."""
        self.met, self._order = None, Order(words, swallows=True)

    def let_through(self) -> None:
        """Pass everything on again."""
        self._order = None

    async def _serve(self, is_up: threading.Event) -> None:
        app = web.Application(client_max_size=MOST_BYTES)
        async with aiohttp.ClientSession(
            auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)
        ) as session:

            async def handle(request: web.Request) -> web.Response:
                return await self._answer(session, request)

            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
            is_up.set()
            await self._is_over.wait()
            await runner.cleanup()

    async def _answer(self, session: aiohttp.ClientSession, request: web.Request) -> web.Response:
        body = await request.read()
        if request.method not in READS:
            text = f"{request.method} {request.raw_path}\n{body.decode(errors='replace')}"
            self.rows += rows_in(text)
            if self._order and self._order.is_for(text):
                self.met = text
                if self._order.swallows:
                    self._order = None
                    await self._is_over.wait()
                return _refusal()
        try:
            return await self._passed_on(session, request, body)
        except aiohttp.ClientError:
            return _refusal()

    async def _passed_on(
        self, session: aiohttp.ClientSession, request: web.Request, body: bytes
    ) -> web.Response:
        target = f"http://127.0.0.1:{self.storage.ports['Table']}{request.raw_path}"
        async with session.request(
            request.method,
            URL(target, encoded=True),
            headers=_without(request.headers),
            data=body or None,
            skip_auto_headers=["Content-Type", "User-Agent", "Accept", "Accept-Encoding"],
            allow_redirects=False,
        ) as answer:
            return web.Response(
                status=answer.status, headers=_without(answer.headers), body=await answer.read()
            )


def _without(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in OURS)


def _refusal() -> web.Response:
    return web.Response(status=503, text="ServerBusy", headers={"x-ms-error-code": "ServerBusy"})
