"""Calls of what is for one thread at a time, and may hang: each comes to an end for who waits."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class HungCallError(TimeoutError):
    """A call has not come to its end in time, or one before it has not."""


class NoTurnError(TimeoutError):
    """Those before a call have taken too long, though none of them hangs; it has not begun."""


class _Call(Generic[Value]):
    """A call that waits for its turn, and then for its answer."""

    def __init__(self, function: Callable[[], Value]) -> None:
        self._function = function
        self._turn: Future[float] = Future()
        self._answer: Future[Value] = Future()

    def wait(self, seconds: float, turn_seconds: float) -> Value:
        end = self._wait_for_turn(turn_seconds) + seconds
        try:
            return self._answer.result(max(0.0, end - monotonic()))
        except TimeoutError:
            if self._answer.done():  # at the last moment, or the call itself has raised it
                return self._answer.result()
            raise HungCallError(f"no answer within {seconds:g} s") from None

    def _wait_for_turn(self, seconds: float) -> float:
        """Wait until it begins; tell when that was."""
        try:
            return self._turn.result(seconds)
        except CancelledError:
            raise HungCallError("a call before it hangs") from None
        except TimeoutError:
            if self._turn.cancel():
                raise NoTurnError(f"no turn within {seconds:g} s") from None
            return self._wait_for_turn(seconds)  # it begins, or is cancelled, at this moment

    def cancel(self) -> None:
        """Tell who waits that its turn will not come."""
        self._turn.cancel()

    def carry_out(self) -> None:
        """Make the call, unless nobody waits for it any more."""
        if not self._turn.set_running_or_notify_cancel():
            return
        self._turn.set_result(monotonic())
        try:
            self._answer.set_result(self._function())
        except BaseException as error:  # noqa: BLE001  it is raised again where it is awaited
            self._answer.set_exception(error)


class SerialCalls:
    """Carries out calls one after the other in a thread of its own, which nobody waits for."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether its thread has not come to its end: calls may follow, or one hangs."""
        return self._thread.is_alive()

    def call(self, function: Callable[[], Value], seconds: float, turn_seconds: float) -> Value:
        """Give what a call gives, or raise what it raises.

        Args:
            function: What is called.
            seconds: How long it may take, from when it begins.
            turn_seconds: How long those before it may take, all together.

        Raises:
            HungCallError: It has not ended in time, and goes on; or one before it has not, or no
                calls are made any more.
            NoTurnError: Its turn has not come in time, and will not.
        """
        call = _Call(function)
        with self._lock:
            if not self._is_open:
                raise HungCallError("it comes after the last call")
            self._waiting.put(call)
        return call.wait(seconds, turn_seconds)

    def end(self, last: Callable[[], object]) -> None:
        """Make one more call, for which nobody waits; those that have not begun hear of it.

        What it raises is lost. Who ends it a second time has no call made.
        """
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._cancel_waiting()
                self._waiting.put(_Call(last))
                self._waiting.put(None)

    def _cancel_waiting(self) -> None:
        with suppress(Empty):
            while call := self._waiting.get_nowait():
                call.cancel()

    def _run(self) -> None:
        while call := self._waiting.get():
            call.carry_out()
            del call  # nothing of it is kept until the next
