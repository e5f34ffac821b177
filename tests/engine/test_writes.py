"""A run ends as it would, whichever of its writes is refused for a while or lost with a kill.

The writes are found by watching a run. Some of one shape are harmed here, all of every shape in the
long form (`chaos/test_every_write.py`).
"""

from pathlib import Path

from tests.support.harms.found_writes import writes
from tests.support.harms.steady_shapes import SHAPES
from tests.support.harms.write_harms import disturbed

SHAPE = "undone"
# Of the first writes of its rows and orchestrations; they come in the order of a run.
EVERY = 3


def test_a_run_ends_as_it_would_whichever_write_is_harmed(engine: Path, tmp_path: Path):
    shape = SHAPES[SHAPE]
    with disturbed(engine, tmp_path / "hub") as one:
        known = one.reference(SHAPE, shape)
        found = writes(known.found, {})
        for number, write in enumerate(found[1::EVERY]):
            assert one.strike(f"refused-{number}", shape, known, write, "refused"), write
        # What is lost later is tried again after a minute.
        assert one.strike("lost", shape, known, found[0], "lost"), found[0]
        one.insist_on_rest()
