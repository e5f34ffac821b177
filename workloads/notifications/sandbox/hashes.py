"""Keys that have one hash: a table compares each of them with all the others.

The hash of a number is its remainder by 2^61 - 1, and that of a tuple is worked out from those of
its parts: https://docs.python.org/3/library/stdtypes.html#hashing-of-numeric-types. That of a text
has a secret of the process.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from workloads.notifications.sandbox.budget import Budget

_HASH_BITS = 60


def spend_hashes(budget: Budget, keys: Iterable[Any]) -> None:
    """Charge the comparisons of keys that have one hash, before they are in a table.

    Raises:
        TemplateLimitError: There is not as much work left.
        TypeError: A tuple has in it what has no hash.
    """
    numbers, tuples = _choose_predictable(keys)
    numbers.sort()
    hashes = Counter(map(hash, [*numbers, *tuples]))
    different = Counter(map(hash, [*(number for number, _ in groupby(numbers)), *tuples]))
    budget.spend(sum(times * different[one] for one, times in hashes.items()))


def spend_pairs(budget: Budget, args: tuple[Any, ...]) -> None:
    """The same for what an object is made of: pairs, or another object.

    Raises:
        TemplateLimitError: There is not as much work left.
        TypeError: A tuple has in it what has no hash.
    """
    pairs = args[0] if args else ()
    if type(pairs) is dict:
        spend_hashes(budget, pairs)
    elif isinstance(pairs, list | tuple):
        spend_hashes(budget, [p[0] for p in pairs if isinstance(p, list | tuple) and p])


def _choose_predictable(keys: Iterable[Any]) -> tuple[list[int], list[tuple[Any, ...]]]:
    numbers: list[int] = []
    tuples: list[tuple[Any, ...]] = []
    for key in keys:
        if isinstance(key, tuple):
            tuples.append(key)
        elif type(key) is int and key.bit_length() > _HASH_BITS:
            numbers.append(key)
    return numbers, tuples
