import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.naming.result_names import ResultKind, parse_result_kind, result_name


@given(
    st.sampled_from(ResultKind),
    st.integers(0, 10**6),
    st.integers(0, 99),
    st.sampled_from([".jsonl", ".jsonl.gz", ".parquet"]),
)
def test_a_result_file_tells_what_it_holds(
    kind: ResultKind, range_number: int, part: int, suffix: str
):
    assert parse_result_kind(result_name(kind, range_number, part, suffix)) is kind


@pytest.mark.parametrize("name", ["report.json", "files/FAILED-00000.jsonl", "FAILED.jsonl"])
def test_a_file_that_a_workload_made_is_of_no_kind(name: str):
    assert parse_result_kind(name) is None


def test_the_first_file_of_a_range_has_no_second_number():
    assert result_name(ResultKind.DEAD_LETTERS, 3, 0, ".jsonl") == "DEAD-LETTERS-00003.jsonl"
    assert result_name(ResultKind.FAILED, 3, 1, ".jsonl.gz") == "FAILED-00003-1.jsonl.gz"
