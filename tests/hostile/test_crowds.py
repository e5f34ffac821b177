"""Many runs at once in one worker process, each of which takes all the memory that it may.

The short form has the budget of the smallest instance, which takes as much less time; the long form
has the default.
"""

from pathlib import Path

import pytest

from fanout.splitting.sizes.budget import DEFAULT_BATCH_BYTES
from tests.support.hostile.crowds import CROWDS, run_crowd
from tests.support.hostile.forms import is_long
from tests.support.hostile.sources import MIB

# As docs/reference/settings.md has it, Python and its packages included.
OWN_MIB, FACTOR = 160, 4
# Each of its two processes may take so long, which is far more than it does: a hang alone is told.
SECONDS = 600
# As many as a worker has threads (infra/modules/app-settings.bicep).
RUNS = 16
SHORT_BATCH_MIB = 32


@pytest.mark.chaos
@pytest.mark.timeout(2 * SECONDS + 60)
@pytest.mark.parametrize("case", CROWDS)
def test_a_worker_stays_within_its_memory_whatever_all_its_threads_do(
    case: str, tmp_path: Path, chaos_seconds: float
):
    batch = DEFAULT_BATCH_BYTES if is_long(chaos_seconds) else SHORT_BATCH_MIB * MIB
    hostile, course = run_crowd(case, RUNS, batch, tmp_path, SECONDS)
    print(f"{case} at {batch // MIB} MiB: {course}")
    assert course.peak_mib <= OWN_MIB + FACTOR * batch // MIB
    has_failed = "partially_succeeded" if hostile.bad else "succeeded"
    assert course.outcomes == [has_failed] * RUNS
    assert course.failed == [len(hostile.bad)] * RUNS


def test_the_default_keeps_a_worker_within_a_gibibyte():
    assert OWN_MIB + FACTOR * DEFAULT_BATCH_BYTES // MIB <= 1024
