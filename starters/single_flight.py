"""Calls that may hang: each in a thread of its own, and no second one while the first is under way.

So the number of threads is bounded by that of names, however often and by how many callers a call
is asked for. A thread is not waited for when the process ends.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from fanout.adapters.patience import limit_patience

Value = TypeVar("Value")
# No call of storage goes on for longer, and so keeps those that come later from asking anew.
MAX_FLIGHT_SECONDS = 10.0


class SingleFlight:
    """The calls under way, by name; callers that come meanwhile wait for the same answer."""

    def __init__(self) -> None:
        self._under_way: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    async def call(self, name: str, function: Callable[[], Value], max_seconds: float) -> Value:
        """Give what the function gives, or raise what it raises.

        Raises:
            TimeoutError: It has not answered after so many seconds. It goes on.
        """
        answer = asyncio.wrap_future(self._join(name, function))
        answer.add_done_callback(_note_exception)
        await asyncio.wait({answer}, timeout=max_seconds)
        if not answer.done():
            raise TimeoutError(f"no answer within {max_seconds:g} s")
        value: Value = answer.result()
        return value

    def _join(self, name: str, function: Callable[[], Any]) -> Future[Any]:
        with self._lock:
            future = self._under_way.get(name)
            if future is None or future.done():
                future = Future()
                arguments = (future, function)
                threading.Thread(target=_carry_out, args=arguments, name=name, daemon=True).start()
                # Not before: without a thread nobody would ever answer.
                self._under_way[name] = future
            return future


def _carry_out(future: Future[Any], function: Callable[[], Any]) -> None:
    future.set_running_or_notify_cancel()  # from now on, no caller that leaves can cancel it
    try:
        with limit_patience(MAX_FLIGHT_SECONDS):
            future.set_result(function())
    except BaseException as error:  # noqa: BLE001  it is raised again where it is awaited
        future.set_exception(error)


def _note_exception(answer: "asyncio.Future[Any]") -> None:
    """Look at the exception of an answer that nobody waits for any more, or asyncio complains."""
    if not answer.cancelled():
        answer.exception()
