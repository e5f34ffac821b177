"""Every write of runs of every shape is refused for a while, and lost with a kill, one by one.

`--chaos-seconds 7200` is about all of them; in less time it is some, in an order that is drawn from
a seed. What failed is told at the end; the rest goes on with an instance and a hub of its own.
"""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.harms.found_writes import Write, writes
from tests.support.harms.steady_shapes import SHAPES
from tests.support.harms.write_harms import HARMS, Disturbed, Harm, Reference, disturbed

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(0)]


@dataclass
class Progress:
    """What is left to do, and what came of the rest.

    Attributes:
        unmet: Later writes that a run happened not to make this time.
    """

    left: list[tuple[Write, Harm]]
    harmed: int = 0
    unmet: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def go_on(self, one: Disturbed, name: str, known: Reference, ends: float) -> None:
        """Harm one write after the other until a run does not end as it would."""
        while self.left and time.monotonic() < ends:
            write, harm = self.left.pop()
            told = f"{name}: {write}, {harm}"
            try:
                is_met = one.strike(f"{name}-{len(self.left)}", SHAPES[name], known, write, harm)
                assert is_met or write.piece, "not met"
            except AssertionError as error:
                self.failed.append(f"{told}: {error}")
                return
            self.harmed += is_met
            self.unmet += [] if is_met else [told]
        one.insist_on_rest()


@pytest.mark.parametrize("name", SHAPES)
def test_a_run_ends_as_it_would_whichever_write_is_harmed(
    engine: Path, tmp_path: Path, seconds: float, name: str
):
    ends, seed = time.monotonic() + seconds, random.randrange(2**32)
    with disturbed(engine, tmp_path / "calm") as one:
        known, again = (one.reference(f"{name}{n}", SHAPES[name]) for n in range(2))
    assert not again.end.unlike(known.end)
    found = writes(known.found, again.found)
    progress = Progress([(write, harm) for write in found for harm in HARMS])
    random.Random(seed).shuffle(progress.left)
    while progress.left and time.monotonic() < ends:
        with disturbed(engine, tmp_path / f"{len(progress.left)}-left") as one:
            progress.go_on(one, name, known, ends)
    print(f"{name}, seed {seed}: {len(found)} writes found, {progress.harmed} harmed, ", end="")
    print(f"{len(progress.unmet)} not met, {len(progress.left)} left for want of time")
    print("\n".join(["not met:", *progress.unmet] if progress.unmet else []))
    assert not progress.failed, "\n".join(progress.failed)
