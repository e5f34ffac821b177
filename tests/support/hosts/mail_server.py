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
    """What the server was given."""

    port: int = 0
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


@contextmanager
def mail_server(*, has_smtputf8: bool) -> Iterator[MailServer]:
    """Serve on a free port of the loopback address."""
    kept = MailServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def serve() -> SMTP:
        return SMTP(kept, hostname="localhost", enable_SMTPUTF8=has_smtputf8)

    starting = loop.create_server(serve, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
