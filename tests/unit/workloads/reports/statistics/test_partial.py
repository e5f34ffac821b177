import json
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.reports.statistics.census import Census, Counts, take_census
from workloads.reports.statistics.distinct import sketch_texts
from workloads.reports.statistics.exact import Exact
from workloads.reports.statistics.partial import Group, Partial, Summary, Tally, dump, load

floats = st.floats(allow_nan=False, allow_infinity=False).map(Fraction)
exact = st.one_of(st.integers(), floats)
keys = st.lists(st.one_of(st.none(), st.text(max_size=2)), min_size=2, max_size=2).map(tuple)
NOTHING = Tally(0, 0, 0, None, None)


def tally_of(numbers: list[Exact]) -> Tally:
    if not numbers:
        return NOTHING
    squares = sum(number * number for number in numbers)
    return Tally(len(numbers), sum(numbers), squares, min(numbers), max(numbers))


sketches = st.lists(st.integers(0, 3000).map(str), max_size=3).map(sketch_texts)
buckets = st.dictionaries(st.integers(-300_000, 300_000), st.integers(1, 10**6), max_size=4)


def group_of(numbers: list[Exact], sketch: bytes, spread: dict[int, int]) -> Group:
    return Group(len(numbers) + 1, (tally_of(numbers), NOTHING), (sketch,), (spread,))


groups = st.builds(group_of, st.lists(exact, max_size=4), sketches, buckets)
partials = st.builds(
    Partial, st.dictionaries(keys, groups, max_size=4), st.frozensets(st.integers(0, 1))
)
columns = st.sampled_from(["a", "b", "c"])
counts = st.dictionaries(
    columns, st.dictionaries(st.sampled_from(["NA", "-"]), st.integers(1, 9), min_size=1)
)


def census_of(rows: list[dict[str, str]], nulls: Counts) -> Census:
    return take_census(rows, ["a", "b"], nulls if rows else {})


censuses = st.builds(
    census_of, st.lists(st.dictionaries(columns, st.just("x")), max_size=3), counts
)
summaries = st.builds(Summary, st.tuples(partials, partials), censuses)


@settings(deadline=None)
@given(summaries)
def test_a_stored_partial_is_the_same(summary):
    assert load(dump(summary)) == summary


@settings(deadline=None)
@given(summaries, summaries, summaries)
def test_merging_is_associative_and_knows_no_order(a, b, c):
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)


@settings(deadline=None)
@given(summaries)
def test_merging_with_nothing_changes_nothing(summary):
    assert summary.merge(Summary()) == Summary().merge(summary) == summary
    assert summary.merge(Summary((Partial({}), Partial({})))) == summary


@settings(deadline=None)
@given(st.lists(exact, max_size=6), st.lists(exact, max_size=6))
def test_tallies_merge_into_that_of_all(left, right):
    assert tally_of(left).merge(tally_of(right)) == tally_of(left + right)


def test_the_size_depends_on_groups_not_on_rows():
    few = Partial({("a",): Group(10, (tally_of([1] * 10),))})
    many = Partial({("a",): Group(10**9, (Tally(10**9, 10**9, 10**9, 1, 1),))})
    assert len(dump(Summary((many,)))) < len(dump(Summary((few,)))) + 40


def test_a_partial_of_a_version_without_census_is_read_and_says_nothing_is_absent():
    stored = json.loads(dump(Summary((Partial({("a",): Group(2)}),))))["views"]
    old = load(json.dumps(stored).encode())
    assert old.views == (Partial({("a",): Group(2)}),)
    new = Summary(old.views, Census(True, frozenset({"x"})))
    assert old.merge(new).census.absent == frozenset()
