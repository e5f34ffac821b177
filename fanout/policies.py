"""When an item that failed is tried again, and how many failures a run accepts."""

import hashlib
from datetime import timedelta

from fanout.models.request import OnExceeded, RetryPolicy, Tolerance
from fanout.models.status import ItemCounts

_DRAWS = 2**64
# For so long what fails in passing is tried again; a roll-out may take some minutes.
PATIENCE = timedelta(minutes=10)
FIRST_REST_SECONDS = 2.0
MAX_REST_SECONDS = 30.0


def jitter(limit_seconds: float, *seeds: object) -> float:
    """Draw from ``[0, limit_seconds)``, the same for the same seeds in every replay."""
    digest = hashlib.blake2b("/".join(map(str, seeds)).encode(), digest_size=8).digest()
    return limit_seconds * int.from_bytes(digest, "big") / _DRAWS


def backoff_seconds(
    policy: RetryPolicy, retry_round: int, *seeds: object, at_least_seconds: float = 0.0
) -> float:
    """The wait before a retry round: exponential, capped, with jitter on top.

    ``max(at_least, min(max_seconds, base * factor ** (round - 1))) + random(0, jitter)``

    Args:
        policy: The run's retry policy.
        retry_round: 1 for the first retry.
        seeds: What the random part is drawn from; it differs between shards so that they do not
            retry at the same instant.
        at_least_seconds: How long the other side asked to be left alone.

    Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    delay = min(policy.max_seconds, policy.base_seconds * policy.factor ** (retry_round - 1))
    return max(at_least_seconds, delay) + jitter(policy.jitter_seconds, retry_round, *seeds)


def is_patience_over(away: timedelta) -> bool:
    """Tell whether what has failed in passing for so long is given up."""
    return away >= PATIENCE


def outage_rest_seconds(away: timedelta) -> float:
    """The wait before infrastructure is asked again that has been away for so long: it doubles."""
    return min(MAX_REST_SECONDS, max(FIRST_REST_SECONDS, away.total_seconds()))


def is_exceeded(tolerance: Tolerance, failed: int, total: int) -> bool:
    """Tell whether a run has failed more items than it accepts.

    As in Step Functions' Distributed Map, a limit that is not set (0) does not count when the other
    one is, passing either of two set limits is too much, and with none set the first failure is.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
    """
    if failed == 0:
        return False
    over_count = tolerance.count > 0 and failed > tolerance.count
    over_percentage = tolerance.percentage > 0 and failed * 100 > tolerance.percentage * total
    is_strict = tolerance.count == 0 and tolerance.percentage == 0
    return is_strict or over_count or over_percentage


def count_given_up(items: ItemCounts, on_exceeded: OnExceeded) -> int:
    """Count the items that did not succeed, as the tolerance has it.

    A saga that failed has compensated its item itself; where a run compensates, `compensated` are
    the items that had succeeded.
    """
    if on_exceeded == "compensate":
        return items.failed
    return items.failed + items.compensated + items.compensation_failed
