"""Retry policies, as the decorator leaves them."""

import itertools
from datetime import timedelta

import pytest

from localhost.retries import RetryPolicy

GROWING = {
    "strategy": "exponential_backoff",
    "max_retry_count": "-1",
    "minimum_interval": "00:00:01",
    "maximum_interval": "00:00:06",
}


def _fixed(**changes: str) -> dict[str, str]:
    return {
        "strategy": "fixed_delay", "max_retry_count": "2", "delay_interval": "00:00:05", **changes
    }  # fmt: skip


def test_a_fixed_delay_is_always_the_same_and_ends_after_its_count() -> None:
    policy = RetryPolicy.of(_fixed())
    assert policy == RetryPolicy(2, timedelta(seconds=5))
    assert list(itertools.islice(policy.pauses(), 3)) == [5, 5, 5]
    assert [policy.allows(count) for count in (1, 2, 3)] == [True, True, False]


def test_a_growing_delay_doubles_what_it_adds_up_to_the_longest() -> None:
    policy = RetryPolicy.of(GROWING)
    assert policy is not None
    pauses = policy.pauses(uniform=lambda low, high: (low + high) / 2)
    assert list(itertools.islice(pauses, 6)) == [1, 2, 3, 5, 6, 6]
    assert policy.allows(1_000_000)


def test_growing_delays_are_spread_by_a_fifth() -> None:
    policy = RetryPolicy.of(GROWING)
    assert policy is not None
    seconds = [next(itertools.islice(policy.pauses(), 1, 2)) for _ in range(200)]
    assert 1.8 <= min(seconds) < 1.95 < 2.05 < max(seconds) <= 2.2


def test_without_a_decorator_there_is_no_policy() -> None:
    assert RetryPolicy.of(None) is None


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (_fixed(strategy="hope"), "the strategy 'hope' is none of"),
        (_fixed(max_retry_count="many"), "max_retry_count is 'many', which is no number"),
        (_fixed(max_retry_count="-2"), "max_retry_count is -2"),
        (_fixed(delay_interval="soon"), "delay_interval is 'soon'"),
        (GROWING | {"maximum_interval": "00:00:00"}, "maximum_interval is shorter"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused(policy: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RetryPolicy.of(policy)
