"""Rates within this process: a token bucket for each run and channel."""

import threading
import time
from collections.abc import Callable
from functools import lru_cache

from workloads.notifications.recipient import Channel


class TokenBucket:
    """Limits calls to a rate; after a pause, at most one second's worth of calls at once.

    Args:
        per_second: The rate, also below 1.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._capacity = max(1.0, per_second)
        self._clock = clock
        self._tokens = self._capacity
        self._counted_at = clock()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Take a token and return the seconds until it may be used."""
        with self._lock:
            now = self._clock()
            tokens = self._tokens + (now - self._counted_at) * self._per_second
            self._tokens = min(self._capacity, tokens) - 1
            self._counted_at = now
            return max(0.0, -self._tokens / self._per_second)

    def take(self) -> None:
        """Take a token; wait until there is one."""
        time.sleep(self.reserve())


@lru_cache(maxsize=256)
def run_bucket(run_id: str, channel: Channel, per_second: float) -> TokenBucket:
    """The bucket of a channel of a run in this process."""
    return TokenBucket(per_second)
