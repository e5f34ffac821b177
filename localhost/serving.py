"""Serving an app until it is told to stop, its store fails, or its files change (`--reload`)."""

import asyncio
import contextlib
import enum
import logging
import signal
import sys
from dataclasses import replace
from typing import Any

from localhost.banner import banner
from localhost.host import START_ERRORS, Host, Options
from localhost.reload import Stamps, stamps, wait_for_change
from localhost.stack.services import DEFAULT_ENTITIES, ENTITIES_FILE, DevelopmentServices

logger = logging.getLogger(__name__)


class End(enum.Enum):
    """Why a host was stopped."""

    TOLD = enum.auto()
    FAILED = enum.auto()
    CHANGED = enum.auto()


async def serve(options: Options, *, reload: bool) -> int:
    """Serve, host after host with `reload`, and return the exit code."""
    stopping = asyncio.Event()
    _listen_for_signals(stopping)
    own_entities = options.app_dir / ENTITIES_FILE
    services = DevelopmentServices(
        options.data_dir,
        is_enabled=options.has_stack,
        faults=options.faults,
        entities=own_entities if own_entities.is_file() else DEFAULT_ENTITIES,
    )
    stop_signal = asyncio.create_task(stopping.wait())
    serving = _Serving(options, services, stop_signal, reload=reload)
    try:
        while (end := await serving.serve_once()) is End.CHANGED:
            pass
    finally:
        stop_signal.cancel()
        await services.stop()
    return 1 if end is End.FAILED else 0


def _listen_for_signals(stopping: asyncio.Event) -> None:
    """Stop at the first SIGINT or SIGTERM; a second one of the kind is left to the system.

    That ends the process whatever it is busy with. Whoever is in one process group with the host
    and ends it, too, may well send it the other kind.
    """
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        logger.info("The host is stopping; a second %s ends it at once.", number.name)
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)


class _Serving:
    """Runs one host after the other."""

    def __init__(
        self,
        options: Options,
        services: DevelopmentServices,
        stop_signal: "asyncio.Task[Any]",
        *,
        reload: bool,
    ) -> None:
        self._options = options
        self._services = services
        self._stop_signal = stop_signal
        self._reload = reload

    async def serve_once(self) -> End:
        """Serve until the host is told to stop, fails, or the app's files change."""
        known_stamps = stamps(self._options.app_dir) if self._reload else None
        host = Host(self._options, self._services)
        try:
            has_started = await self._start(host)
            if has_started is None:
                return End.TOLD
            if not has_started and known_stamps is None:
                return End.FAILED
            return await self._wait(host, known_stamps)
        finally:
            await host.stop()

    async def _start(self, host: Host) -> bool | None:
        """Start a host and say whether it could; None if it was told to stop meanwhile."""
        starting = asyncio.create_task(host.start())
        await asyncio.wait({starting, self._stop_signal}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return None
        try:
            app = starting.result()
        except START_ERRORS as error:
            print(error, file=sys.stderr)
            return False
        print(banner(app), flush=True)
        if self._options.port == 0:
            # "Any free port" is chosen once: the next host is found where this one was.
            self._options = replace(self._options, port=host.port)
        return True

    async def _wait(self, host: Host, known_stamps: Stamps | None) -> End:
        reasons: set[asyncio.Future[Any]] = {self._stop_signal, host.failure}
        async with contextlib.AsyncExitStack() as exits:
            changes = None
            if known_stamps is not None:
                changes = asyncio.create_task(wait_for_change(self._options.app_dir, known_stamps))
                exits.callback(changes.cancel)
                reasons.add(changes)
            await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
            if host.failure.done():
                print(host.failure.result(), file=sys.stderr)
                return End.FAILED
            if self._stop_signal.done() or changes is None:
                return End.TOLD
            names = ", ".join(
                str(path.relative_to(self._options.app_dir)) for path in changes.result()
            )
            logger.info("%s changed; starting again", names)
            return End.CHANGED
