"""Groups are bounded by their number and by what they take."""

import pytest

from workloads.reports.statistics.partial import Group, Key, Partial, Tally
from workloads.reports.statistics.room import (
    MAX_GROUPS,
    TooManyGroupsError,
    insist_on_few,
    insist_on_room,
)

TALLY = Tally(1, 1, 1, 1, 1)


def groups(count: int, group: Group, text: str = "") -> dict[Key, Group]:
    return {(f"{text}{number}",): group for number in range(count)}


def test_as_many_groups_as_are_allowed_have_room_and_one_more_has_not():
    insist_on_few(MAX_GROUPS)
    with pytest.raises(TooManyGroupsError, match="more than 100000 groups"):
        insist_on_few(MAX_GROUPS + 1)


@pytest.mark.parametrize(
    ("count", "group", "text"),
    [
        (10_000, Group(1, (TALLY,) * 50), ""),
        (10_000, Group(1, (), (b"x" * 1300,) * 8), ""),
        (100, Group(1, (TALLY,), (), (dict.fromkeys(range(12_000), 1),)), ""),
        (95_000, Group(1), "x" * 900),
    ],
)
def test_large_groups_are_fewer(count: int, group: Group, text: str):
    with pytest.raises(TooManyGroupsError, match="groups of the report take"):
        insist_on_room(groups(count, group, text))
    insist_on_room(groups(count // 10, group, text))


def test_to_merge_is_where_groups_become_too_many():
    left = Partial({(f"l{number}",): Group(1) for number in range(MAX_GROUPS // 2)})
    right = Partial({(f"r{number}",): Group(1) for number in range(MAX_GROUPS // 2 + 1)})
    assert len(left.merge(left).groups) == MAX_GROUPS // 2
    with pytest.raises(TooManyGroupsError):
        left.merge(right)
