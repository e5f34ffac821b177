from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fanout.governor.owners import fair_order, first_of_owners, owner_of

WORKLOADS = st.sampled_from(["images", "orders", "reports"])
CALLERS = st.sampled_from(["", "ann", "ben"])
OWNERS = st.tuples(WORKLOADS, CALLERS)
Owners = list[tuple[str, str]]


def names(prefix: str, owners: Owners) -> dict[str, str]:
    return {f"{prefix}{n}": owner_of(*owner) for n, owner in enumerate(owners)}


def slow_order(waiting: Owners, running: Owners) -> list[int]:
    """Who comes next, worked out anew for each place by the words of the rule."""
    holding, left, order = [*running], dict(enumerate(waiting)), []
    while left:
        callers = Counter(caller for _, caller in holding)
        owners = Counter(holding)
        number = min(left, key=lambda n: (callers[left[n][1]], owners[left[n]], n))
        order.append(number)
        holding.append(left.pop(number))
    return order


@given(st.lists(OWNERS, max_size=30), st.lists(OWNERS, max_size=12))
def test_places_go_to_who_has_fewest_and_then_to_who_has_waited_longest(
    waiting: Owners, running: Owners
):
    standing, going = names("w", waiting), names("r", running)
    order = [*fair_order(standing, standing | going, going)]
    assert order == [f"w{n}" for n in slow_order(waiting, running)]


@given(st.lists(OWNERS, min_size=1, max_size=30), st.lists(OWNERS, max_size=12))
def test_of_each_owner_without_a_place_the_first_is_named(waiting: Owners, running: Owners):
    standing, going = names("w", waiting), names("r", running)
    named = first_of_owners(standing, standing | going, going)
    without = {owner for owner in waiting if owner not in running}
    assert named == [f"w{waiting.index(owner)}" for owner in sorted(without, key=waiting.index)]


def test_runs_of_one_owner_keep_their_order():
    standing = dict.fromkeys(["c", "a", "b"], owner_of("images", "ann"))
    assert [*fair_order(standing, standing, [])] == ["c", "a", "b"]


def test_runs_that_nobody_knows_are_of_one_owner():
    assert [*fair_order(["a", "b", "c"], {"c": "images"}, ["b0"])] == ["c", "a", "b"]


@given(st.text(min_size=1), st.text(min_size=1))
def test_an_owner_tells_callers_apart_and_names_none(first: str, second: str):
    assert (owner_of("images", first) == owner_of("images", second)) == (first == second)
    workload, digest = owner_of("images", first).split(" ")
    assert workload == "images" and len(digest) == 16 and digest != first


def test_where_nobody_signs_in_the_workload_is_the_owner():
    assert owner_of("images") == "images" != owner_of("images", "ann")
