"""How long clients of storage go on trying, for whoever they work for at a time.

A caller of the HTTP API waits for half a minute; an activity may wait for minutes. Patience is kept
in the context, and so holds in threads that work for it (`fanout.threads`) too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from time import monotonic

# A good answer that takes no longer is none that was waited for.
USUAL_SECONDS = 2.0


class PatienceError(TimeoutError):
    """Storage has not answered for as long as it is waited for; no client tries again after it."""

    def __init__(self) -> None:
        super().__init__("storage has not answered in time")


@dataclass
class Patience:
    """How long storage is waited for; endless where nobody has limited it.

    Attributes:
        end: Until when, whatever it answers.
        waiting_seconds: How much longer for answers that are late or bad, and between tries.
    """

    end: float = inf
    waiting_seconds: float = inf

    def remaining(self) -> float:
        """How many seconds are left.

        Raises:
            PatienceError: None.
        """
        left = min(self.end - monotonic(), self.waiting_seconds)
        if left <= 0:
            raise PatienceError
        return left

    def spend(self, seconds: float) -> None:
        """Take note that so much was waited."""
        self.waiting_seconds -= seconds


_patience: ContextVar[Patience] = ContextVar("patience")
_endless = Patience()


def current_patience() -> Patience:
    """The patience of whoever works."""
    return _patience.get(_endless)


@contextmanager
def limit_patience(seconds: float) -> Iterator[None]:
    """Have clients of storage give up so many seconds from now."""
    with _hold(Patience(end=monotonic() + seconds)):
        yield


@contextmanager
def limit_waiting(seconds: float) -> Iterator[None]:
    """Have clients of storage give up once they have waited for so long in all.

    Work that storage answers as it should may take as long as it needs.
    """
    with _hold(Patience(waiting_seconds=seconds)):
        yield


@contextmanager
def _hold(patience: Patience) -> Iterator[None]:
    token = _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(token)
