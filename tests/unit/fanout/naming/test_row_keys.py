import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fanout.naming import row_keys
from fanout.naming.instance_ids import RUN_ID_PATTERN, is_run_id

run_ids = st.from_regex(RUN_ID_PATTERN, fullmatch=True).filter(is_run_id)
moments = st.integers(0, 9 * 10**12).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
# Source: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
NOT_IN_A_KEY = re.compile(r"[/\\#?%+\x00-\x1f\x7f-\x9f]")


@given(run_ids, st.integers(1, 10**6))
def test_an_open_row_names_an_attempt_and_no_other(run_id: str, attempt: int):
    assert row_keys.parse_open_row(row_keys.open_row(run_id, attempt)) == (run_id, attempt)


@given(run_ids, st.integers(1, 10**6))
def test_the_open_rows_of_earlier_versions_are_read_as_well(run_id: str, attempt: int):
    assert row_keys.parse_open_row(f"{run_id}!a{attempt}") == (run_id, attempt)


@given(run_ids, moments)
def test_a_row_of_the_index_names_its_run_and_when_it_was_claimed(
    run_id: str, claimed_at: datetime
):
    key = row_keys.index_row(run_id, claimed_at)
    assert not NOT_IN_A_KEY.search(key)
    assert row_keys.parse_index_row(key) == (run_id, claimed_at)
    assert row_keys.run_of_index_row(key) == run_id


@given(run_ids, moments, run_ids, moments)
def test_the_run_that_was_claimed_later_comes_first(
    one: str, claimed_at: datetime, other: str, at: datetime
):
    if claimed_at != at:
        later = row_keys.index_row(one, claimed_at) < row_keys.index_row(other, at)
        assert later == (claimed_at > at)


@given(run_ids, moments, st.datetimes(timezones=st.just(UTC)))
def test_a_bound_is_between_the_runs_claimed_then_or_later_and_those_claimed_before(
    run_id: str, claimed_at: datetime, moment: datetime
):
    is_later = row_keys.index_row(run_id, claimed_at) < row_keys.index_bound(moment)
    if moment.year < 2286:  # later ones are as if it were then
        assert is_later == (claimed_at >= moment)


@given(run_ids, st.integers(1, 10**6))
def test_rows_of_open_attempts_are_none_of_the_index(run_id: str, attempt: int):
    key = row_keys.open_row(run_id, attempt)
    assert key.startswith(row_keys.open_row_prefix(run_id))
    assert row_keys.parse_index_row(key) is None


@given(run_ids, st.integers(1, 10**6))
def test_partitions_of_attempts_steps_and_downstreams_are_never_the_same(run_id: str, attempt: int):
    fixed = {
        row_keys.RUNS_PARTITION,
        row_keys.EARLIER_OPEN_PARTITION,
        row_keys.ADMISSION_PARTITION,
        row_keys.downstream_partition(run_id),
    }
    mine = {row_keys.attempt_partition(run_id, attempt), row_keys.steps_partition(run_id, attempt)}
    assert len(fixed | mine) == 6


@given(st.integers(0, 10**4), st.sampled_from(["process", "compensate"]))
def test_a_shard_s_row_tells_its_number(number: int, stage: row_keys.Stage):
    assert row_keys.parse_shard_row(row_keys.shard_row(number, stage)) == (number, stage)


def test_rows_of_something_else_are_no_shard_s():
    others = [row_keys.RUN_ROW, row_keys.CONTROL_ROW, row_keys.RATE_ROW, "s", "s1", "x01", "s01 "]
    assert [row_keys.parse_shard_row(row) for row in others] == [None] * len(others)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_downstream_has_a_partition_of_its_own(one: str, other: str):
    partition = row_keys.downstream_partition(one)
    assert not NOT_IN_A_KEY.search(partition)
    assert (partition == row_keys.downstream_partition(other)) == (one == other)
