"""What the rows of a source have, whatever a report makes of them.

Rows of JSON may lack a column, and it is not known before the last one whether all do. So each
chunk notes which of the columns that the parameters name none of its rows has. What is absent from
all chunks is a mistake of the parameters.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fanout.hints import shorten_name

# Names to choose from, for a message.
MAX_NAMES = 50
Counts = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Census:
    """What some rows have.

    Attributes:
        has_rows: Whether there are rows at all.
        absent: Columns that the parameters name and no row has.
        names: Other columns that rows have, where some are absent: the first by name.
        nulls: How many cells have a text that means a missing value, by column and text; empty
            cells are not counted.
    """

    has_rows: bool = False
    absent: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    nulls: Counts = field(default_factory=dict)

    def merge(self, other: "Census") -> "Census":
        """Combine with what other rows have."""
        if not self.has_rows or not other.has_rows:
            return self if self.has_rows else other
        absent = self.absent & other.absent
        names = first_names({*self.names, *other.names}) if absent else ()
        return Census(True, absent, names, _add_up(self.nulls, other.nulls))


def take_census(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], nulls: Counts) -> Census:
    """Take the census of rows that may lack columns."""
    if not rows:
        return Census()
    absent = frozenset(c for c in columns if not any(c in row for row in rows))
    names = first_names(set().union(*rows)) if absent else ()
    return Census(True, absent, names, nulls)


def dump_census(census: Census) -> dict[str, Any]:
    """Write as JSON."""
    return {
        "has_rows": census.has_rows,
        "absent": sorted(census.absent),
        "names": census.names,
        "nulls": census.nulls,
    }


def load_census(values: Mapping[str, Any]) -> Census:
    """Invert `dump_census`."""
    absent, names = frozenset(values["absent"]), tuple(values["names"])
    return Census(values["has_rows"], absent, names, values["nulls"])


def first_names(names: Iterable[str]) -> tuple[str, ...]:
    """Some of the names, for a message."""
    return tuple(sorted(set(map(shorten_name, names)))[:MAX_NAMES])


def _add_up(left: Counts, right: Counts) -> Counts:
    """Add up, column by column and text by text."""
    return {
        column: dict(Counter(left.get(column, {})) + Counter(right.get(column, {})))
        for column in sorted({*left, *right})
    }
