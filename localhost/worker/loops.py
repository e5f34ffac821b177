"""Keeps an event loop running that user code shares.

`asyncio` lets SystemExit and KeyboardInterrupt of a task or a callback end the loop, and any code
may stop it; here neither ends more than the call it belongs to.
"""

import asyncio
import contextlib
import logging
import threading

from localhost.texts import format_stack

logger = logging.getLogger(__name__)


class UserLoop:
    """An event loop for coroutine functions."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._is_ending = threading.Event()

    def run(self) -> None:
        """Run it on this thread until `end` is called; then end its tasks and close it."""
        asyncio.set_event_loop(self.loop)
        while not self._is_ending.is_set():
            try:
                self.loop.run_forever()
            except BaseException as error:  # noqa: BLE001  the task that raised it has it, too
                _log(error)
        try:
            self.loop.run_until_complete(self._end_tasks())
        except BaseException as error:  # noqa: BLE001  as above
            _log(error)
        self.loop.close()

    def end(self) -> None:
        """Let `run` return; from any thread."""
        self._is_ending.set()
        with contextlib.suppress(RuntimeError):  # it is closed already
            self.loop.call_soon_threadsafe(self.loop.stop)

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_asyncgens()


def _log(error: BaseException) -> None:
    # Formatted here, because its text may be one that `logging` stumbles over.
    logger.error("a task or a callback of a function raised:\n%s", format_stack(error))
