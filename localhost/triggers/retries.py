"""Retry policies of functions: how often and after which pause a failed call is made again.

Timers honour them; HTTP and durable triggers do not, here as in Azure.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages and
RandomizedExponentialBackoffStrategy of the WebJobs SDK.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from localhost.time_spans import parse_time_span

FOR_EVER = -1
JITTER = 0.2
_STRATEGIES = ("fixed_delay", "exponential_backoff")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to try again, and how long to wait before.

    Attributes:
        max_count: How often at most; `FOR_EVER` means without end.
        shortest: The pause, or the first one where pauses grow.
        longest: The pause that growing ones end at; None where all are alike.
    """

    max_count: int
    shortest: timedelta
    longest: timedelta | None = None

    @classmethod
    def from_settings(cls, policy: Mapping[str, str] | None) -> "RetryPolicy | None":
        """Read what the `@app.retry` decorator left.

        Raises:
            ValueError: It cannot be read; the message says why.
        """
        if policy is None:
            return None
        strategy = policy.get("strategy")
        if strategy not in _STRATEGIES:
            raise ValueError(f"the strategy '{strategy}' is none of {', '.join(_STRATEGIES)}")
        count = _count(policy.get("max_retry_count"))
        if strategy == "fixed_delay":
            return cls(count, _span(policy, "delay_interval"))
        shortest, longest = _span(policy, "minimum_interval"), _span(policy, "maximum_interval")
        if longest < shortest:
            raise ValueError("maximum_interval is shorter than minimum_interval")
        return cls(count, shortest, longest)

    def allows(self, count: int) -> bool:
        """Whether to try again for the `count`th time."""
        return self.max_count == FOR_EVER or count <= self.max_count

    def pauses(self, uniform: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
        """The pauses before each further try, in seconds."""
        shortest = self.shortest.total_seconds()
        yield shortest
        growth = shortest
        while True:
            if self.longest is None:
                yield shortest
                continue
            pause = shortest + growth * uniform(1 - JITTER, 1 + JITTER)
            longest = self.longest.total_seconds()
            yield min(pause, longest)
            growth = min(2 * growth, longest)


def _count(text: str | None) -> int:
    try:
        count = int(text or "")
    except ValueError as error:
        raise ValueError(f"max_retry_count is '{text}', which is no number") from error
    if count < FOR_EVER:
        raise ValueError(f"max_retry_count is {count}; it can be -1 (without end), 0 or more")
    return count


def _span(policy: Mapping[str, str], name: str) -> timedelta:
    text = policy.get(name) or ""
    span = parse_time_span(text)
    if span is None:
        raise ValueError(f"{name} is '{text}', which is no time span such as '00:00:10'")
    return span
