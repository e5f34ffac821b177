"""Calls of what is for one thread at a time, and may hang: each comes to an end for who waits."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

Value = TypeVar("Value")
_Call = tuple["Future[Any]", Callable[[], Any]]


class HungCallError(TimeoutError):
    """A call has not come to its end in time, or one before it has not."""


class SerialCalls:
    """Carries out calls one after the other in a thread of its own, which nobody waits for."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether its thread has not come to its end: calls may follow, or one hangs."""
        return self._thread.is_alive()

    def call(self, function: Callable[[], Value], seconds: float) -> Value:
        """Give what a call gives, or raise what it raises.

        Raises:
            HungCallError: It has not ended after so many seconds. It goes on, if it has begun.
        """
        answer: Future[Value] = Future()
        self._waiting.put((answer, function))
        try:
            return answer.result(seconds)
        except CancelledError:
            raise HungCallError("a call before it hangs") from None
        except TimeoutError:
            if (
                not answer.cancel() and answer.done()
            ):  # it ended meanwhile, or has raised this itself
                return answer.result()
            raise HungCallError(f"no answer within {seconds:g} s") from None

    def end(self) -> None:
        """Carry out nothing more; whoever waits for a call that has not begun is told."""
        with suppress(Exception):  # there is none left
            while waiting := self._waiting.get_nowait():
                waiting[0].cancel()
        self._waiting.put(None)

    def _run(self) -> None:
        while waiting := self._waiting.get():
            answer, function = waiting
            if answer.set_running_or_notify_cancel():
                _carry_out(answer, function)
            del waiting, answer, function  # nothing of a call is kept until the next


def _carry_out(answer: "Future[Any]", function: Callable[[], Any]) -> None:
    try:
        answer.set_result(function())
    except BaseException as error:  # noqa: BLE001  it is raised again where it is awaited
        answer.set_exception(error)
