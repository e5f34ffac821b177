"""Every write of runs of every shape is refused for a while, and lost with a kill, one by one.

`--chaos-seconds 1500 -n 2` is all of them; in less time it is some, in an order drawn from a
seed. What failed is told at the end; the rest goes on with an instance and a hub of its own.
"""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import pytest

from tests.support.harms.found_writes import Write, writes
from tests.support.harms.steady_shapes import SHAPES
from tests.support.harms.write_harms import HARMS, Disturbed, Harm, Reference, disturbed

# So many instances, each on a hub of its own, share the writes of a shape.
AT_ONCE = 2

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(0)]


@dataclass
class Progress:
    """What is left to do, and what came of the rest.

    Attributes:
        unmet: Later writes that a run happened not to make this time.
    """

    name: str
    known: Reference
    ends: float
    left: list[tuple[Write, Harm]]
    harmed: int = 0
    unmet: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def harm_all(self, engine: Path, folder: Path) -> None:
        """Harm what is left, with a new instance after each run that does not end as it would."""
        while self._is_more:
            with disturbed(engine, folder / f"{len(self.left)}-left") as one:
                self._go_on(one)

    @property
    def _is_more(self) -> bool:
        return bool(self.left) and time.monotonic() < self.ends

    def _next(self) -> tuple[Write, Harm] | None:
        with self.lock:
            return self.left.pop() if self._is_more else None

    def _go_on(self, one: Disturbed) -> None:
        for write, harm in iter(self._next, None):
            told = f"{self.name}: {write}, {harm}"
            run_id = f"{self.name}-{len(self.left)}"
            try:
                is_met = one.strike(run_id, SHAPES[self.name], self.known, write, harm)
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
    progress = Progress(name, known, ends, [(write, harm) for write in found for harm in HARMS])
    random.Random(seed).shuffle(progress.left)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [
            pool.submit(progress.harm_all, engine, tmp_path / str(n)) for n in range(AT_ONCE)
        ]:
            done.result()
    print(f"{name}, seed {seed}: {len(found)} writes found, {progress.harmed} harmed, ", end="")
    print(f"{len(progress.unmet)} not met, {len(progress.left)} left for want of time")
    print("\n".join(["not met:", *progress.unmet] if progress.unmet else []))
    assert not progress.failed, "\n".join(progress.failed)
