"""The short form of the suite, in `make test`, and the long one, in `make chaos`."""

import os
import random
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

# The default of --chaos-seconds.
SHORT_SECONDS = 8.0
# Gives the chances of an earlier run back.
SEED = "HOSTILE_SEED"
Case = TypeVar("Case")


def is_long(chaos_seconds: float) -> bool:
    """Whether every case is to be tried."""
    return chaos_seconds > SHORT_SECONDS


def any_seed() -> int:
    """Another seed at each run, or that of `HOSTILE_SEED`; a test that fails has printed it."""
    seed = int(os.environ.get(SEED) or random.randrange(2**32))
    print(f"{SEED}={seed}")
    return seed


def any_chance() -> random.Random:
    """What is drawn from for the whole of a test, so that one number gives all of it back."""
    return _chance_of(os.environ.get("PYTEST_CURRENT_TEST", ""))


@cache
def _chance_of(test: str) -> random.Random:
    return random.Random(f"{any_seed()} {test}")


def choose(cases: Sequence[Case], few: int, chaos_seconds: float) -> list[Case]:
    """Every case in the long form, and in the short one a few by chance."""
    if is_long(chaos_seconds) or few >= len(cases):
        return [*cases]
    return any_chance().sample(cases, few)
