"""Holding user code to its time."""

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fanout.errors import TransientError
from fanout.models.request import Timeouts

Result = TypeVar("Result")


class ItemTimeoutError(TransientError):
    """One try of an item took longer than the run allows."""


class BatchTimeoutError(TransientError):
    """The batch had had its time before this item's turn came."""


@dataclass
class TimeLimits:
    """The time limits of a batch.

    Attributes:
        item_seconds: What one try of an item may take; None is any time.
        batch_seconds: What all items of the batch may take; None is any time.
    """

    item_seconds: float | None = None
    batch_seconds: float | None = None
    _ends_at: float | None = field(default=None, init=False)

    @classmethod
    def of(cls, timeouts: Timeouts) -> "TimeLimits":
        """The limits of a batch of which nothing has begun."""
        return cls(timeouts.item_seconds, timeouts.batch_seconds)

    def insist_on_time_left(self) -> None:
        """Let nothing begin when the batch has had its time.

        That runs from the first call: a batch of which nothing ever begins would come again and
        again, and its run would never end.

        Raises:
            BatchTimeoutError: It has.
        """
        if self.batch_seconds is None:
            return
        now = time.monotonic()
        if self._ends_at is None:
            self._ends_at = now + self.batch_seconds
        elif now >= self._ends_at:
            raise BatchTimeoutError(f"its batch had had its {self.batch_seconds:g} seconds")

    def call_item(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call what processes one item.

        Raises:
            ItemTimeoutError: It took too long; it is left to itself and what it returns is lost.
        """
        if self.item_seconds is None:
            return function(*arguments)
        error = self.item_timeout()
        return _call_within(self.item_seconds, error, function, *arguments)

    def call_batch(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call what processes a whole batch.

        Raises:
            BatchTimeoutError: It took too long; it is left to itself and what it returns is lost.
        """
        if self.batch_seconds is None:
            return function(*arguments)
        error = BatchTimeoutError(f"it took longer than {self.batch_seconds:g} seconds")
        return _call_within(self.batch_seconds, error, function, *arguments)

    def item_timeout(self) -> ItemTimeoutError:
        """Say that an item took too long."""
        return ItemTimeoutError(f"it took longer than {self.item_seconds:g} seconds")


def _call_within(
    seconds: float, late_error: Exception, function: Callable[..., Result], *arguments: Any
) -> Result:
    """Call a function in a thread of its own; Python has no other way to stop waiting for it."""
    results: list[Result] = []
    failures: list[BaseException] = []
    context = contextvars.copy_context()

    def call() -> None:
        try:
            results.append(context.run(function, *arguments))
        except BaseException as failure:  # noqa: BLE001  raised again by whoever waits
            failures.append(failure)

    thread = threading.Thread(target=call, name="timed", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise late_error
    if failures:
        raise failures[0]
    return results[0]
