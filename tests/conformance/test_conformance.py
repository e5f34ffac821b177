"""The embedded host does what Microsoft's engine does, but for what stands in a table."""

import pytest

from tests.conformance import comparison
from tests.conformance.differences import DIFFERENCES
from tests.conformance.hosts import EMBEDDED_NAME, host_at
from tests.conformance.recorder import record
from tests.conformance.registry import ALONE, CASES

# Of 438.
LEAST_EQUAL = 420
SECONDS = 600


# One test, since the cases are asked once.
@pytest.mark.timeout(SECONDS)
def test_every_case_is_as_on_the_engine_or_in_the_table_and_that_has_no_other(tmp_path):
    with host_at(EMBEDDED_NAME, tmp_path) as base:
        records = record(base)
    found = {
        name: comparison.told(comparison.differences(expected, records.get(name)))
        for name, expected in comparison.engine().items()
    }
    differing = {name: words for name, words in found.items() if words}
    new = {name: words for name, words in differing.items() if name not in DIFFERENCES}
    assert not new, "\n".join(f"{name}\n{words}" for name, words in new.items())
    assert not DIFFERENCES.keys() - differing.keys(), "equal, and yet in the table"


def test_the_record_and_the_cases_are_the_same_ones():
    engine = comparison.engine()
    assert engine.keys() == CASES.keys() | ALONE.keys()
    assert len(engine) - len(DIFFERENCES) >= LEAST_EQUAL
