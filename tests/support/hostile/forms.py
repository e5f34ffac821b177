"""The short form of the suite, in `make test`, and the long one, in `make chaos`."""

import random
from collections.abc import Sequence
from typing import TypeVar

# The default of --chaos-seconds.
SHORT_SECONDS = 8.0
Case = TypeVar("Case")


def is_long(chaos_seconds: float) -> bool:
    """Whether every case is to be tried."""
    return chaos_seconds > SHORT_SECONDS


def any_chance() -> random.Random:
    """Another chance at each run; its seed is among what a test that fails has printed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


def choose(cases: Sequence[Case], few: int, chaos_seconds: float) -> list[Case]:
    """Every case in the long form, and in the short one a few by chance."""
    if is_long(chaos_seconds) or few >= len(cases):
        return [*cases]
    return any_chance().sample(cases, few)
