"""Sources of few bytes from which much comes out: bounded, refused by name, and isolated.

The short form tries a few of them by chance, the long one all.
"""

from pathlib import Path

import pytest

from tests.support.hostile.forms import any_chance, choose
from tests.support.hostile.sources import CASES, run_in_child

# What a worker process may have, Python and its packages included.
MAX_PEAK_MIB = 1024
SECONDS = 600
FEW = 2


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_a_worker_stays_within_its_memory_and_only_what_is_too_large_fails(
    tmp_path: Path, chaos_seconds: float
):
    seeds = any_chance()
    for case in choose([*CASES], FEW, chaos_seconds):
        insist_on_bounds(case, seeds.randrange(2**32), tmp_path / case)


def insist_on_bounds(case: str, seed: int, folder: Path) -> None:
    folder.mkdir()
    hostile, course = run_in_child(case, seed, folder, SECONDS)
    told = (case, seed, course)
    assert course.peak_mib <= MAX_PEAK_MIB, told
    if hostile.rows is None:
        assert course.refusal is not None and len(course.refusal) < 2000, told
        return
    # A run that is undone says why.
    assert (course.refusal, course.error is None) == (None, course.outcome != "compensated"), told
    assert course.failed == sorted(hostile.bad), told
    assert course.succeeded == hostile.rows - len(hostile.bad), told
