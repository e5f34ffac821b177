"""Deadlines of whole exchanges with another side, whatever that does to them.

The timeout of a socket is for one call of the system: a side that sends a byte now and then is
never late. So a deadline shuts the sockets of its exchange down when it passes, and whatever waits
for them hears that the connection has ended.
"""

import heapq
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPException
from time import monotonic
from typing import Any, Self, TypeVar

from urllib3.exceptions import HTTPError

Value = TypeVar("Value")

# Calls that nobody can end, such as those of the resolver: so many may hang at once.
MAX_HANGING = 64
_hanging = threading.BoundedSemaphore(MAX_HANGING)


class DeadlineError(TimeoutError):
    """An exchange took longer than it may."""


class Deadline:
    """The end of an exchange; a context, after which no socket of it is shut down any more."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_open = True

    def __enter__(self) -> Self:
        _watcher().add(self._end, self._shut_down)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_open = False
            self._sockets.clear()

    @property
    def has_passed(self) -> bool:
        """Whether the exchange has taken longer than it may."""
        return monotonic() >= self._end

    def remaining(self) -> float:
        """How many seconds are left; what a socket that is not watched yet may take.

        Raises:
            DeadlineError: None.
        """
        left = self._end - monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> DeadlineError:
        """Say that the exchange took too long."""
        return DeadlineError(f"it took longer than {self.seconds:g} s")

    def watch(self, sock: socket.socket) -> None:
        """Shut a connected socket down when the deadline passes.

        Raises:
            DeadlineError: It has passed.
        """
        with self._lock:
            self._sockets.append(sock)
        self.remaining()

    def call(self, function: Callable[[], Value]) -> Value:
        """Call what cannot be interrupted in a thread of its own, and wait no longer than is left.

        Raises:
            DeadlineError: It has not answered, or too many such calls hang already. It goes on.
        """
        places, answer = _hanging, Future[Value]()
        if not places.acquire(timeout=self.remaining()):
            raise self.error()
        thread = threading.Thread(target=_carry_out, args=(answer, function, places), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the process can have no more threads
            places.release()
            raise
        try:
            return answer.result(self.remaining())
        except TimeoutError:
            if answer.done():  # it ended meanwhile, or has raised this itself
                return answer.result()
            raise self.error() from None

    def _shut_down(self) -> None:
        # Sockets are closed after the exchange, and so never within this lock.
        with self._lock:
            for sock in self._sockets if self._is_open else ():
                with suppress(OSError):  # the other side was faster
                    # Not that of a TLS socket, which takes the state from under who reads.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


def read_head(read: Callable[[], Value]) -> Value:
    """Read the head of an answer; parsers of headers stumble over some, each in its own way.

    Args:
        read: Has `http.client` read it.

    Raises:
        HTTPException: It is none.
    """
    try:
        return read()
    except (OSError, HTTPException, HTTPError):
        raise
    except Exception as error:
        raise HTTPException(f"the head of the answer is none: {error}") from error


def _carry_out(
    answer: Future[Any], function: Callable[[], Any], places: threading.Semaphore
) -> None:
    try:
        answer.set_result(function())
    except BaseException as error:  # noqa: BLE001  it is raised again where it is awaited
        answer.set_exception(error)
    finally:
        places.release()


class _Watcher:
    """A thread that does something at each of many moments."""

    def __init__(self) -> None:
        self._count = 0
        self._moments: list[tuple[float, int, Callable[[], None]]] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="deadlines", daemon=True).start()

    def add(self, moment: float, action: Callable[[], None]) -> None:
        """Have something done at a moment of the monotonic clock."""
        with self._changed:
            self._count += 1
            heapq.heappush(self._moments, (moment, self._count, action))
            if self._moments[0][2] is action:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            self._next()()

    def _next(self) -> Callable[[], None]:
        """Wait for the next moment."""
        with self._changed:
            while True:
                left = self._moments[0][0] - monotonic() if self._moments else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._moments)[2]
                self._changed.wait(left)


@lru_cache(maxsize=1)
def _watcher() -> _Watcher:
    return _Watcher()
