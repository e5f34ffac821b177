"""What every peer script prints: one JSON line with the seconds of a fan-out and its peak memory.

A peer is a process of its own (`python NAME.py N`), so that none shares a warm interpreter, a
store or memory with another. It runs N = 2 first, then N, timed from start call to result in hand.
"""

import json
import resource
import sys
from collections.abc import Callable

WARM_UP = 2


def run_peer(fan_out: Callable[[int], float]) -> None:
    """Run `fan_out(n)`, which returns seconds, for the warm-up and then for the N given."""
    n = int(sys.argv[1])
    fan_out(WARM_UP)
    seconds = fan_out(n)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mib": peak_mib}) + "\n")
    sys.stdout.flush()


def expect_sum(n: int, results: list[int]) -> None:
    """Refuse a result that is not the N inputs, each once."""
    if sorted(results) != list(range(n)):
        raise SystemExit(f"wrong result: {len(results)} of {n}")
