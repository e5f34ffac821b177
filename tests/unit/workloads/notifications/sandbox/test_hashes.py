"""Keys of one hash are charged for each pair of them, and any other keys nearly nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.notifications.sandbox.budget import WORK_LIMIT, Budget
from workloads.notifications.sandbox.errors import TemplateLimitError
from workloads.notifications.sandbox.hashes import spend_hashes, spend_pairs

MODULUS = 2**61 - 1
ALIKE = [number * MODULUS for number in range(2, 5000)]


def spent(keys: list[Any]) -> int:
    budget = Budget()
    spend_hashes(budget, keys)
    return WORK_LIMIT - budget.left


@given(st.lists(st.integers(2, 40).map(lambda number: number * MODULUS) | st.text()))
def test_each_number_is_charged_for_each_other_one_of_its_hash(keys: list[Any]):
    numbers = [key for key in keys if isinstance(key, int)]
    assert spent(keys) == len(numbers) * len(set(numbers))


@pytest.mark.parametrize(
    "keys",
    [ALIKE, [-key for key in ALIKE], [(key, 1) for key in ALIKE], [((key,),) for key in ALIKE]],
)
def test_many_keys_of_one_hash_are_refused(keys: list[Any]):
    assert len({*map(hash, keys)}) == 1
    for pairs in ([[key, 1] for key in keys], [(key, 1) for key in keys], dict.fromkeys(keys)):
        with pytest.raises(TemplateLimitError, match="units of work"):
            spend_pairs(Budget(), (pairs,))


@pytest.mark.parametrize(
    "keys",
    [
        list(range(50_000)),
        [2**63 + number for number in range(50_000)],
        [2**63] * 50_000,
        [f"S-{number}" for number in range(50_000)],
        [number / 7 for number in range(50_000)],
    ],
)
def test_keys_of_many_hashes_and_one_key_many_times_cost_little(keys: list[Any]):
    assert spent(keys) <= len(keys)
