"""Columns have names that differ: those of the header, or what a request makes of them."""

import pytest

from fanout.splitting.columns import (
    HeaderError,
    insist_on_different,
    insist_on_few,
    rename_columns,
)


@pytest.mark.parametrize(
    ("names", "new_names", "expected"),
    [
        (["a", "b"], {"b": "c"}, ["a", "c"]),
        (["a", "b"], {"2": "c"}, ["a", "c"]),
        (["a", "a"], {"2": "b"}, ["a", "b"]),
        (["", ""], {"1": "x", "2": "y"}, ["x", "y"]),
        (["a", "b"], {"a": "b", "b": "a"}, ["b", "a"]),
        (["2", "b"], {"2": "x"}, ["x", "b"]),
        (["", "b"], {"": "x"}, ["x", "b"]),
    ],
)
def test_columns_are_renamed_by_name_or_else_by_position(names, new_names, expected):
    assert rename_columns(names, new_names) == expected


@pytest.mark.parametrize(
    ("new_names", "fault"),
    [
        ({"a": "x"}, "'a' to be renamed is the name of columns 1, 2: give one"),
        (
            {"d": "x"},
            "'d' to be renamed is neither a column nor its position; it has 'a', 'a', 'c'",
        ),
        ({"0": "x"}, "'0' to be renamed is neither"),
        ({"4": "x"}, "'4' to be renamed is neither"),
        ({"01": "x"}, "'01' to be renamed is neither"),
        ({"9" * 5000: "x"}, "'9{100}' to be renamed is neither"),
        ({"²": "x"}, "'²' to be renamed is neither"),
        ({"c": "x", "3": "y"}, "column 3 is renamed twice, the second time by '3'"),
    ],
)
def test_a_column_that_cannot_be_told_is_refused(new_names, fault):
    with pytest.raises(HeaderError, match=fault):
        rename_columns(["a", "a", "c"], new_names)


def test_names_that_are_the_same_are_refused_with_their_columns_and_the_way_round():
    assert insist_on_different(["a", "", "b"]) == ["a", "", "b"]
    with pytest.raises(HeaderError) as caught:
        insist_on_different(["a", "b", "a", "b", "a"])
    message = str(caught.value)
    assert "'a' (columns 1, 3, 5), 'b' (columns 2, 4)" in message
    assert '"header": {"rename": {"5": "NEW NAME"}}' in message
    assert '"header": {"names": [...]}' in message


def test_a_name_that_is_too_long_is_named_by_its_column():
    with pytest.raises(HeaderError, match=r"the name of column 2, 'n{50}…', has 1001 characters"):
        insist_on_few(["a", "n" * 1001])
    insist_on_few(["n" * 1000] * 10_000)


def test_more_columns_than_a_row_may_have_are_refused():
    with pytest.raises(HeaderError, match="has 10001 columns; 10000 are allowed"):
        insist_on_few(["n"] * 10_001)
