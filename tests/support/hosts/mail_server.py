"""A real mail server, with SMTPUTF8 or without, that keeps what it is given."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


@dataclass
class MailServer:
    """What the server was given.

    Attributes:
        goodbye: What it answers to QUIT: once, or again and again if it is not the last line.
    """

    port: int = 0
    goodbye: str = "221 Bye"
    envelopes: list[Envelope] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        return [address for envelope in self.envelopes for address in envelope.rcpt_tos]

    @property
    def mails(self) -> list[EmailMessage]:
        return [
            message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
            for envelope in self.envelopes
        ]

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 kept"

    async def handle_QUIT(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        while self.goodbye.startswith("221-"):
            await server.push(self.goodbye)
            await asyncio.sleep(0.05)
        return self.goodbye


@contextmanager
def mail_server(*, has_smtputf8: bool, goodbye: str = "221 Bye") -> Iterator[MailServer]:
    """Serve on a free port of the loopback address."""
    kept = MailServer(goodbye=goodbye)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def serve() -> SMTP:
        return SMTP(kept, hostname="localhost", enable_SMTPUTF8=has_smtputf8)

    starting = loop.create_server(serve, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(120)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """Take no more mail, and end the conversations that still go on."""
    server.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
