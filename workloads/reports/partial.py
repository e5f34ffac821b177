"""The partial summary of a report: exact tallies by group, which merge without loss.

Its size depends on the groups alone. Merging is exact, hence associative, and does not depend on
order.
"""

import json
from dataclasses import dataclass
from typing import Any

from workloads.reports.exact import Exact, from_json, to_json

Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of the numbers of one column in one group; missing values are not in it.

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
    """The rows of one group: how many, and a tally for each column of `metrics`, in its order."""

    rows: int
    tallies: tuple[Tally, ...]

    def merge(self, other: "Group") -> "Group":
        """Combine with other rows of the same group."""
        pairs = zip(self.tallies, other.tallies, strict=True)
        return Group(self.rows + other.rows, tuple(left.merge(right) for left, right in pairs))


@dataclass(frozen=True, slots=True)
class Partial:
    """The groups of some rows.

    Attributes:
        fractional: Columns of `metrics`, by position, in which some number is not written as a
            whole number (``1.0`` is not): figures of the others are whole numbers in the report.
    """

    groups: dict[Key, Group]
    fractional: frozenset[int] = frozenset()

    @property
    def rows(self) -> int:
        """Rows in all groups."""
        return sum(group.rows for group in self.groups.values())

    def merge(self, other: "Partial") -> "Partial":
        """Combine with other rows of the same report."""
        groups = dict(self.groups)
        for key, group in other.groups.items():
            known = groups.get(key)
            groups[key] = group if known is None else known.merge(group)
        return Partial(groups, self.fractional | other.fractional)


def dump(partial: Partial) -> bytes:
    """Serialise without loss."""
    groups = [
        [key, group.rows, [_tally_to_json(tally) for tally in group.tallies]]
        for key, group in partial.groups.items()
    ]
    document = {"fractional": sorted(partial.fractional), "groups": groups}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def load(data: bytes) -> Partial:
    """Invert `dump`."""
    document = json.loads(data)
    groups = {
        tuple(key): Group(rows, tuple(_tally_from_json(*tally) for tally in tallies))
        for key, rows, tallies in document["groups"]
    }
    return Partial(groups, frozenset(document["fractional"]))


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
