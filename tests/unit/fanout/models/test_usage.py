import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fanout.models.usage import STORAGE_OPERATIONS, Usage

usages = st.builds(Usage, **{name: st.integers(0, 10**12) for name in Usage.model_fields})
JSON = TypeAdapter(dict[str, Usage])


@given(usages)
def test_it_comes_back_from_a_history_as_it_was(usage: Usage):
    assert JSON.validate_json(JSON.dump_json({"usage": usage})) == {"usage": usage}


def test_in_a_history_it_is_a_short_list():
    assert Usage().model_dump(mode="json") == []
    assert Usage(activities=1, activity_ms=7, billed_ms=1000).model_dump() == [1, 7, 1000]


@given(usages)
def test_what_a_newer_version_counts_besides_is_left_out(usage: Usage):
    longer = [*usage.counts.values(), 5, 6]
    assert Usage.model_validate(longer) == usage


@given(usages, usages, usages)
def test_usages_add_up_in_any_order(a: Usage, b: Usage, c: Usage):
    assert a.plus(b) == b.plus(a)
    assert a.plus(b).plus(c) == a.plus(b.plus(c))
    assert a.plus(Usage()) == a


@given(usages, usages)
def test_storage_operations_are_the_sum_of_their_kinds(a: Usage, b: Usage):
    assert a.storage_operations == sum(json.loads(a.model_dump_json() or "[]")[7:])
    assert a.plus(b).storage_operations == a.storage_operations + b.storage_operations
    assert len(STORAGE_OPERATIONS) == 7


def test_a_count_is_never_negative():
    with pytest.raises(ValidationError):
        Usage(activities=-1)
