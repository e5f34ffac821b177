import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.request import RetryPolicy, Tolerance
from fanout.policies import backoff_seconds, is_exceeded, jitter

policies = st.builds(
    RetryPolicy,
    base_seconds=st.floats(0, 100),
    factor=st.floats(1, 10),
    max_seconds=st.floats(0, 1000),
    jitter_seconds=st.floats(0, 50),
)


@given(policies, st.integers(1, 99), st.text(), st.integers(0, 1000))
def test_a_wait_is_the_capped_exponential_and_some_jitter(
    policy: RetryPolicy, retry_round: int, run_id: str, partition: int
):
    wait = backoff_seconds(policy, retry_round, run_id, partition)
    least = min(policy.max_seconds, policy.base_seconds * policy.factor ** (retry_round - 1))
    assert least <= wait <= least + policy.jitter_seconds


@given(policies, st.integers(1, 99), st.floats(0, 100))
def test_the_other_side_is_left_alone_for_as_long_as_it_asks_and_some_jitter(
    policy: RetryPolicy, retry_round: int, asked: float
):
    wait = backoff_seconds(policy, retry_round, "run", at_least_seconds=asked)
    least = max(
        asked, backoff_seconds(policy.model_copy(update={"jitter_seconds": 0}), retry_round)
    )
    assert least <= wait <= least + policy.jitter_seconds


@given(policies, st.integers(1, 99), st.text())
def test_a_replay_waits_as_long_as_the_first_time(policy: RetryPolicy, retry_round: int, seed: str):
    assert backoff_seconds(policy, retry_round, seed) == backoff_seconds(policy, retry_round, seed)


def test_the_waits_double_until_the_cap():
    policy = RetryPolicy(base_seconds=1, factor=2, max_seconds=5, jitter_seconds=0)
    assert [backoff_seconds(policy, n) for n in (1, 2, 3, 4, 5)] == [1, 2, 4, 5, 5]


def test_jitter_spreads_over_its_whole_range():
    drawn = sorted(jitter(1.0, "run", partition) for partition in range(2_000))
    assert drawn[0] >= 0 and drawn[-1] < 1
    assert all(abs(value - n / 2_000) < 0.06 for n, value in enumerate(drawn))


def test_seeds_that_read_alike_when_joined_are_still_apart():
    assert jitter(1, "a", "bc") != jitter(1, "ab", "c")


@pytest.mark.parametrize(
    ("tolerance", "failed", "total", "exceeded"),
    [
        (Tolerance(), 0, 0, False),
        (Tolerance(), 1, 1_000_000, True),
        (Tolerance(count=1), 1, 10, False),
        (Tolerance(count=1), 2, 10, True),
        (Tolerance(percentage=10), 1, 10, False),
        (Tolerance(percentage=10), 2, 10, True),
        (Tolerance(percentage=100), 10, 10, False),
        (Tolerance(count=5, percentage=10), 2, 10, True),
        (Tolerance(count=1, percentage=90), 2, 10, True),
    ],
)
def test_tolerance_is_passed_by_the_first_failure_beyond_a_limit(
    tolerance: Tolerance, failed: int, total: int, exceeded: bool
):
    assert is_exceeded(tolerance, failed, total) is exceeded
