"""Failures are added up by type and message; the first example of each kind is kept."""

from fanout.models.status import ErrorGroup
from fanout.outcomes.error_groups import ErrorGroups


def group(message: str, count: int = 1, example: str | None = None) -> ErrorGroup:
    return ErrorGroup(type="PermanentError", message=message, count=count, example_item=example)


def test_failures_of_one_kind_are_one_group_with_the_first_example():
    groups = ErrorGroups([group("no", 2, "a"), group("yes", 1, "b")])
    groups.add("PermanentError", "no", 3, "c")
    assert groups.most_frequent(5) == [group("no", 5, "a"), group("yes", 1, "b")]


def test_the_most_frequent_come_first_and_the_rest_is_left_out():
    groups = ErrorGroups([group("a"), group("b", 3), group("c", 2), group("d")])
    assert [one.message for one in groups.most_frequent(3)] == ["b", "c", "a"]
