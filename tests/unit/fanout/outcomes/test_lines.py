from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.outcome import ErrorInfo, Outcome
from fanout.outcomes.lines import (
    STATUSES,
    failed_line,
    has_only,
    item_count,
    range_line,
    status_of,
    succeeded_line,
    waiting_items,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FAULT = ErrorInfo(type="TransientError", message='"count":7,\n{"status":"failed",', retryable=True)


@given(st.integers(0, 10**9), st.text(), json_values, st.integers(1, 9), st.floats(0, 1e6))
def test_an_outcome_reads_back_as_it_was(
    index: int, item_id: str, output: Any, attempts: int, duration_ms: float
):
    line = succeeded_line(index, item_id, output, attempts, duration_ms)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert status_of(line) == "succeeded" and item_count(line) == 1
    assert Outcome.model_validate_json(line) == Outcome(
        index=index,
        item_id=item_id,
        status="succeeded",
        attempts=attempts,
        output=output,
        duration_ms=round(duration_ms, 3),
    )


@pytest.mark.parametrize("status", ["failed", "pending"])
def test_a_failure_says_why(status: Any):
    outcome = Outcome.model_validate_json(failed_line(status, 3, "a", FAULT, 2, 1.5))
    assert (outcome.status, outcome.error, outcome.attempts) == (status, FAULT, 2)


@pytest.mark.parametrize("status", STATUSES)
def test_a_range_speaks_for_its_items(status: Any):
    line = range_line(status, 40, 25, 1, FAULT)
    assert status_of(line) == status and item_count(line) == 25
    outcome = Outcome.model_validate_json(line)
    assert (outcome.index, outcome.count, outcome.error) == (40, 25, FAULT)


def test_text_inside_an_outcome_is_not_taken_for_its_status_or_count():
    line = succeeded_line(0, '"count":9,', {"count": 5, "status": "failed"}, 1, 0)
    assert (status_of(line), item_count(line)) == ("succeeded", 1)
    assert item_count(failed_line("failed", 0, "x", FAULT, 1, 0)) == 1
    trap = '{"status":"failed",\n{"status":"failed",'
    assert has_only(succeeded_line(0, "x", trap, 1, 0), "succeeded")


@given(st.lists(st.sampled_from(["succeeded", "failed", "pending"]), max_size=6))
def test_a_part_is_all_of_one_status_or_is_not(statuses: list[Any]):
    data = b"".join(range_line(status, n, 1, 1) for n, status in enumerate(statuses))
    assert has_only(data, "succeeded") == (set(statuses) <= {"succeeded"})


@given(st.lists(st.sampled_from(["succeeded", "pending"]), max_size=8))
def test_the_items_that_wait_are_found(statuses: list[Any]):
    lines = [
        failed_line("pending", n, str(n), FAULT, 1, 0)
        if status == "pending"
        else succeeded_line(n, str(n), None, 1, 0)
        for n, status in enumerate(statuses)
    ]
    wanted = {n for n, status in enumerate(statuses) if status == "pending"}
    assert waiting_items(b"".join(lines)).keys() == wanted


def test_a_line_that_is_no_outcome_is_refused():
    with pytest.raises(ValueError, match="no outcome"):
        status_of(b'{"index":1}')
