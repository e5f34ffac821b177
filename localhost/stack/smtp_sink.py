"""A mail server that delivers nothing: it keeps each mail as an .eml file in the data folder.

It is started only if a setting asks for it (`UseDevelopmentSmtp=true`), serves on the host's own
loop, and ends with the host.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

DEVELOPMENT = "UseDevelopmentSmtp=true"
MAX_MAIL_BYTES = 32 * 1_048_576


class SmtpSink:
    """One sink, on a free port of the loopback address.

    Args:
        folder: Where it keeps the mails; their names sort by time.
        settings: The app's settings; those that ask for the sink get its address.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._setting_names = [name for name, value in settings.items() if value == DEVELOPMENT]
        self._server: asyncio.Server | None = None

    async def start(self) -> dict[str, str]:
        """Start it if it is needed; return the settings to override, by name."""
        if not self._setting_names:
            return {}
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.get_running_loop().create_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return dict.fromkeys(self._setting_names, f"smtp://127.0.0.1:{port}")

    async def stop(self) -> None:
        """Stop it if it was started."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _serve(self) -> SMTP:
        # Without a name of its own it would look one up, and that may take seconds.
        return SMTP(
            _Keeper(self._folder),
            hostname="localhost",
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
        )


class _Keeper:
    """What aiosmtpd calls with each mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        await asyncio.to_thread(self._keep, name, data)
        return "250 kept"

    def _keep(self, name: str, data: bytes) -> None:
        """Write it whole or not at all: whoever lists the mails reads no half of one."""
        part = self._folder / f"{name}.part"
        part.write_bytes(data)
        part.rename(self._folder / f"{name}.eml")
