"""What host.json says about every function."""

from datetime import timedelta

import pytest

from localhost.limits import allowed_functions, function_timeout


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("00:05:00", 300), ("01:00:00", 3600), ("1.00:00:00", 86_400), (None, 1800)],
)
def test_a_call_may_take_as_long_as_host_json_says_else_half_an_hour(
    value: str | None, seconds: int
) -> None:
    assert function_timeout({"functionTimeout": value}) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["-1", -1])
def test_minus_one_means_no_limit(value: object) -> None:
    assert function_timeout({"functionTimeout": value}) is None


@pytest.mark.parametrize(
    "value", ["5 minutes", "00:00:00", 300, "", True, f"{'9' * 5000}.00:00:00"]
)
def test_what_is_no_time_span_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is no time span"):
        function_timeout({"functionTimeout": value})


def test_only_listed_functions_are_allowed_whatever_their_case() -> None:
    assert allowed_functions({}) is None
    assert allowed_functions({"functions": ["See", "slow"]}) == {"see", "slow"}
    assert allowed_functions({"functions": {"0": "See"}}) == {"see"}


@pytest.mark.parametrize("value", ["see", [1], 7])
def test_what_is_no_list_of_names_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be a list of names"):
        allowed_functions({"functions": value})
