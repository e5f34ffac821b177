"""The partial summary of reports: tallies and sketches by group, which merge without loss.

Its size depends on the number of groups, not of rows; with quantiles, also on the orders of
magnitude that the values span. Merging is exact, so it is associative and knows no order.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from workloads.reports.statistics import distinct, quantiles
from workloads.reports.statistics.census import Census, dump_census, load_census
from workloads.reports.statistics.exact import Exact, from_json, to_json
from workloads.reports.statistics.room import insist_on_room

Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums and extremes of the numbers of one column in one group, without missing values.

    Attributes:
        squares: The sum of their squares; 0 where no metric needs it.
        low: The lowest; None if there are none.
        high: The highest; None if there are none.
    """

    count: int
    total: Exact
    squares: Exact
    low: Exact | None
    high: Exact | None

    def merge(self, other: "Tally") -> "Tally":
        """Combine with the tally of other rows."""
        if other.low is None or other.high is None:
            return self
        if self.low is None or self.high is None:
            return other
        return Tally(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            min(self.low, other.low),
            max(self.high, other.high),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one group.

    Attributes:
        tallies: One for each of the view's `number_columns`.
        sketches: One for each of its `distinct_columns`.
        buckets: One for each of its `quantile_columns`.
    """

    rows: int
    tallies: tuple[Tally, ...] = ()
    sketches: tuple[distinct.Sketch, ...] = ()
    buckets: tuple[quantiles.Buckets, ...] = ()

    def merge(self, other: "Group") -> "Group":
        """Combine with other rows of the same group."""
        return Group(
            self.rows + other.rows,
            tuple(map(Tally.merge, self.tallies, other.tallies)),
            tuple(map(distinct.merge_sketches, self.sketches, other.sketches)),
            tuple(map(quantiles.merge_buckets, self.buckets, other.buckets)),
        )


@dataclass(frozen=True, slots=True)
class Partial:
    """The groups of some rows in one report.

    Attributes:
        fractional: Positions of `number_columns` that have a number not written as a whole number
            (``1.0`` is not). Figures of the other columns are whole numbers in the report.
    """

    groups: dict[Key, Group]
    fractional: frozenset[int] = frozenset()

    @property
    def rows(self) -> int:
        """Rows in all groups."""
        return sum(group.rows for group in self.groups.values())

    def merge(self, other: "Partial") -> "Partial":
        """Combine with other rows of the same report.

        Raises:
            TooManyGroupsError: There is no room for the groups of both.
        """
        groups = dict(self.groups)
        for key, group in other.groups.items():
            own_group = groups.get(key)
            groups[key] = group if own_group is None else own_group.merge(group)
        insist_on_room(groups)
        return Partial(groups, self.fractional | other.fractional)


@dataclass(frozen=True, slots=True)
class Summary:
    """The partial summary of some rows: a partial for each report; none where there are no rows.

    Attributes:
        census: What the rows have, whatever the reports make of them.
    """

    views: tuple[Partial, ...] = ()
    census: Census = field(default_factory=Census)

    def merge(self, other: "Summary") -> "Summary":
        """Combine with other rows of the same reports."""
        if not self.views or not other.views:
            return self if self.views else other
        views = tuple(map(Partial.merge, self.views, other.views))
        return Summary(views, self.census.merge(other.census))


def dump(summary: Summary) -> bytes:
    """Serialise without loss."""
    document = {
        "views": [_partial_to_json(partial) for partial in summary.views],
        "census": dump_census(summary.census),
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def load(data: bytes) -> Summary:
    """Invert `dump`."""
    document = json.loads(data)
    if isinstance(
        document, list
    ):  # of a version that took no census: nothing is known to be absent
        return Summary(_load_views(document), Census(has_rows=True))
    return Summary(_load_views(document["views"]), load_census(document["census"]))


def _load_views(views: list[Any]) -> tuple[Partial, ...]:
    return tuple(_partial_from_json(**partial) for partial in views)


def _partial_to_json(partial: Partial) -> dict[str, Any]:
    groups = [
        [
            key,
            group.rows,
            [_tally_to_json(tally) for tally in group.tallies],
            [base64.b64encode(sketch).decode() for sketch in group.sketches],
            [quantiles.to_json(buckets) for buckets in group.buckets],
        ]
        for key, group in partial.groups.items()
    ]
    return {"fractional": sorted(partial.fractional), "groups": groups}


def _partial_from_json(fractional: list[int], groups: list[Any]) -> Partial:
    groups_by_key = {
        tuple(key): Group(
            rows,
            tuple(_tally_from_json(*tally) for tally in tallies),
            tuple(base64.b64decode(sketch) for sketch in sketches),
            tuple(quantiles.from_json(buckets) for buckets in bucket_lists),
        )
        for key, rows, tallies, sketches, bucket_lists in groups
    }
    return Partial(groups_by_key, frozenset(fractional))


def _tally_to_json(tally: Tally) -> list[Any]:
    low = None if tally.low is None else to_json(tally.low)
    high = None if tally.high is None else to_json(tally.high)
    return [tally.count, to_json(tally.total), to_json(tally.squares), low, high]


def _tally_from_json(
    count: int,
    total: int | str,
    squares: int | str,
    low: int | str | None,
    high: int | str | None,
) -> Tally:
    return Tally(
        count,
        from_json(total),
        from_json(squares),
        None if low is None else from_json(low),
        None if high is None else from_json(high),
    )
