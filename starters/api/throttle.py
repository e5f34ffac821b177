"""How often one caller may call: a token bucket for each, in the memory of this worker process.

It keeps one caller from slowing the app down for all others. It is no defence against a flood from
many addresses: that is the task of what stands before the app.

Source: https://en.wikipedia.org/wiki/Token_bucket
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_CALLERS = 10_000


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class Throttle:
    """Counts the calls of each caller.

    Args:
        per_minute: Calls that a caller may make a minute, and as many at once after a rest.
        clock: Gives seconds that never go back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str) -> float:
        """Count a call; give the seconds to wait before the next one, 0 if it is let in."""
        now = self._clock()
        bucket = self._buckets.pop(caller, None) or _Bucket(self._most, now)
        gained = (now - bucket.filled_at) * self._per_second
        bucket.tokens, bucket.filled_at = min(self._most, bucket.tokens + gained), now
        self._buckets[caller] = bucket
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_second
        bucket.tokens -= 1
        return 0.0
