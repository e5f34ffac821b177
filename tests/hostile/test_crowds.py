"""Many runs at once in one worker process, each of which takes all the memory that it may."""

from pathlib import Path

import pytest

from tests.support.hostile.crowds import CROWDS, run_crowd

# What a worker process may have, Python and its packages included.
MAX_PEAK_MIB = 1024
SECONDS = 170
RUNS = 12


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("case", CROWDS)
def test_a_worker_stays_within_its_memory_whatever_all_its_threads_do(case: str, tmp_path: Path):
    hostile, course = run_crowd(case, RUNS, 1, tmp_path, SECONDS)
    assert course.peak_mib <= MAX_PEAK_MIB
    has_failed = "partially_succeeded" if hostile.bad else "succeeded"
    assert course.outcomes == [has_failed] * RUNS
    assert course.failed == [len(hostile.bad)] * RUNS
