"""Sources of few bytes from which much comes out: bounded, refused by name, and isolated."""

from pathlib import Path

import pytest

from tests.support.hostile.sources import CASES, run_in_child

# What a worker process may have, Python and its packages included.
MAX_PEAK_MIB = 1024
SECONDS = 150
SEEDS = [1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES)
def test_a_worker_stays_within_its_memory_and_only_what_is_too_large_fails(
    case: str, seed: int, tmp_path: Path
):
    hostile, course = run_in_child(case, seed, tmp_path, SECONDS)
    assert course.peak_mib <= MAX_PEAK_MIB
    if hostile.rows is None:
        assert course.refusal is not None and len(course.refusal) < 2000
        return
    assert (course.refusal, course.error) == (None, None)
    assert course.failed == sorted(hostile.bad)
    assert course.succeeded == hostile.rows - len(hostile.bad)
