"""Items that take their time, so many at once, beside the ideal schedule.

Fixed is what the same items take when they wait for nothing.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.sizes.contenders import Timing, run_once, take_turns
from bench.sizes.sides import NEW, Counts, Request, Side, run_sides

AT_ONCE = 64
# The workers together have a thread for each item that waits.
SETTINGS = {"PYTHON_THREADPOOL_THREAD_COUNT": str(AT_ONCE)}
FIXED = "fixed part"


@dataclass(frozen=True)
class WaitResult:
    """What a list of waits came to.

    Attributes:
        ideal: Seconds of the best schedule that starts items in their order.
        times: By side, and the fixed part.
        budget: How far from the ideal with the fixed part it may be.
    """

    name: str
    ideal: float
    times: dict[str, Timing]
    counts: dict[str, Counts]
    budget: float

    def over_ideal(self, name: str) -> float:
        """The time over that of the ideal schedule and the fixed part."""
        return self.times[name].seconds / (self.ideal + self.times[FIXED].seconds)


def measure_slow(old: Path | None, times: int) -> WaitResult:
    """100 items of two seconds."""
    return _measure("100 items of 2 s", [2.0] * 100, old, times, 1.25)


def measure_stragglers(old: Path | None, times: int) -> WaitResult:
    """1,000 items of 50 ms, ten of which, at random places, take 20 s."""
    seconds = [0.05] * 1_000
    for place in random.Random(16).sample(range(len(seconds)), 10):
        seconds[place] = 20.0
    return _measure("1,000 of 50 ms, ten of 20 s", seconds, old, times, 1.3)


def ideal_seconds(waits: Sequence[float], at_once: int = AT_ONCE) -> float:
    """The end of a schedule that starts the longest first, each as soon as a place is free.

    Longest processing time first: at most 4/3 of the best there is (Graham, 1969,
    https://doi.org/10.1137/0117039), and the best itself where all are equal or one is longest.
    """
    free = [0.0] * at_once
    for wait in sorted(waits, reverse=True):
        heapq.heapreplace(free, free[0] + wait)
    return max(free)


def _measure(
    name: str, waits: Sequence[float], old: Path | None, times: int, budget: float
) -> WaitResult:
    with run_sides(old, SETTINGS) as sides:
        contenders = {side.name: run_once(side, _make_request(waits), 1) for side in sides}
        contenders[FIXED] = run_once(sides[0], _make_request([0.0] * len(waits)), 1)
        counts = {side.name: _count(side, waits) for side in sides}
        timings = take_turns(contenders, times)
    result = WaitResult(name, ideal_seconds(waits), timings, counts, budget)
    print(f"  {name}: {result.times[NEW].seconds:.1f} s, ideal {result.ideal:.1f} s", flush=True)
    return result


def _count(side: Side, waits: Sequence[float]) -> Counts:
    return side.count(_make_request(waits))


def _make_request(waits: Sequence[float]) -> Request:
    listed = [{"id": number, "seconds": wait} for number, wait in enumerate(waits)]
    source = {"kind": "inline", "items": listed}
    return {"workload": "waiting", "source": source, "concurrency": {"batches": AT_ONCE}}
