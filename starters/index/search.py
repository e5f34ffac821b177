"""Looking for runs in the index: what a page of the list is made of, found in little time.

A page may be short, or empty, and say where the next goes on. So a call looks at a part of the
index alone, however long that is and however few of its runs are wanted.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, compress

from fanout.adapters.rows import index
from fanout.adapters.rows.index import IndexEntry, IndexRange, Stretch
from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import MAX_ROWS_A_PAGE
from fanout.models.status import RunStatus
from fanout.naming import row_keys
from fanout.threads import ContextPool

# After that no further part of the index is looked at for the same page.
MAX_SEARCH_SECONDS = 0.1
# Where values are looked for, so many rows are read at a time, milestones among them: at first few,
# for often enough those are as wanted.
FIRST_ROWS, MORE_ROWS = 32, 100
# Of a run that may go on the rows are read; so many a page.
MAX_OPEN = 50
# Where runs are wanted that have ended somehow, so many of those that may go on are looked at.
MAX_OPEN_LOOKED_AT = 32
# A search for text reads keys, and so many rows at most one by one.
MAX_FOUND = 25
READ_AT_ONCE = 16


@dataclass(frozen=True)
class RunFilter:
    """Which runs are listed; None, or no text, lists all.

    Attributes:
        workload: Runs of this workload.
        outcome: Runs that ended with this outcome.
        since: Runs that were claimed at that time or later, aware.
        text: Runs whose id contains it, in capitals or not.
    """

    workload: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    text: str = ""

    def has(self, status: RunStatus) -> bool:
        """Tell whether a run is wanted, now that it is known how it stands."""
        return (
            self.workload in (None, status.workload)
            and self.outcome in (None, status.outcome)
            and self.has_text(status.run_id)
        )

    def range(self, after: str, outcome: str | None) -> IndexRange:
        """The part of the index in which they are, as far as Table storage can tell."""
        wanted = {"workload": self.workload, "outcome": outcome}
        equal = {name: value for name, value in wanted.items() if value is not None}
        return IndexRange(after, self.since, equal=equal)

    def has_text(self, run_id: str) -> bool:
        """Tell whether the id of a run contains the text."""
        return self.text.lower() in run_id.lower()

    def may_have(self, run_id: str, workload: str | None, outcome: str | None) -> bool:
        """Tell whether a run is wanted; one without an outcome may have ended meanwhile."""
        return (
            self.workload in (None, workload)
            and self.outcome in (None, outcome or self.outcome)
            and self.has_text(run_id)
        )


@dataclass(frozen=True)
class Found:
    """Runs in the index, the newest first.

    Attributes:
        position: The key of the row after which the next ones are; None if these are the last.
    """

    entries: list[IndexEntry]
    position: str | None

    @classmethod
    def of(cls, stretch: Stretch) -> "Found":
        """All that a search has found."""
        return cls(stretch.entries, stretch.end)

    @property
    def going_on(self) -> int:
        """How many of them may go on."""
        return sum(entry.may_go_on for entry in self.entries)

    def has_room(self, limit: int) -> bool:
        """Tell whether more runs would fit on a page."""
        return len(self.entries) < limit and self.going_on < MAX_OPEN

    def cut(self, limit: int) -> "Found":
        """So many of the first at most, and not too many of those that may go on."""
        going_on = accumulate(entry.may_go_on for entry in self.entries)
        fitting = sum(number <= MAX_OPEN for number in going_on)
        count = min(fitting, limit)
        if count == len(self.entries):
            return self
        return Found(self.entries[:count], self.entries[count - 1].row_key)


def find_page(rows: Rows, wanted: RunFilter, after: str, limit: int) -> Found:
    """Find a page of runs, as far as the index says.

    Of a run that may go on nobody knows here whether it has ended as wanted; whoever looks at it
    leaves it out then.

    Args:
        rows: The rows.
        wanted: Which runs.
        after: The position at which the page before ended.
        limit: How many at most.
    """
    must_answer_at = time.monotonic() + MAX_SEARCH_SECONDS
    found = _find_first(rows, wanted, after, limit)
    while found.position is not None and found.has_room(limit):
        more = _find_more(rows, wanted, found, limit - len(found.entries))
        found = Found([*found.entries, *more.entries], more.position)
        if time.monotonic() >= must_answer_at:
            break
    return found.cut(limit)


def _find_first(rows: Rows, wanted: RunFilter, after: str, limit: int) -> Found:
    """Look at no more rows than would fill the page if all were wanted: often enough they are."""
    if wanted.text:
        return _match_rows(rows, wanted, after, limit)
    if wanted.outcome is not None:
        count = max(limit, FIRST_ROWS)
        return _find_ended(rows, wanted, after, count, MAX_OPEN_LOOKED_AT)
    count = limit if wanted.workload is None else max(limit, FIRST_ROWS)
    return Found.of(index.search(rows, wanted.range(after, None), count))


def _find_more(rows: Rows, wanted: RunFilter, page: Found, limit: int) -> Found:
    after, count = str(page.position), min(MORE_ROWS, limit + FIRST_ROWS)
    if wanted.text:
        return _match_keys(rows, wanted, after, limit)
    if wanted.outcome is not None:
        room = max(0, MAX_OPEN_LOOKED_AT - page.going_on)
        return _find_ended(rows, wanted, after, count, room)
    return Found.of(index.search(rows, wanted.range(after, None), count))


def _find_ended(rows: Rows, wanted: RunFilter, after: str, count: int, room: int) -> Found:
    """Look for runs that ended as wanted, and for some that may go on, or have ended since."""
    # Those that may go on come first: one that ends meanwhile is among the others then.
    going_on = Stretch([], None)
    if room:
        going_on = index.search(rows, wanted.range(after, ""), count)
    ended = index.search(rows, wanted.range(after, wanted.outcome), count)
    # Of those that go on there may be many more: the newest are enough.
    ends = [ended.end, going_on.end if len(going_on.entries) <= room else None]
    position = min((end for end in ends if end is not None), default=None)
    entries = {entry.row_key: entry for entry in [*going_on.entries[:room], *ended.entries]}
    keys = sorted(key for key in entries if position is None or key <= position)
    return Found([entries[key] for key in keys], position)


def _match_rows(rows: Rows, wanted: RunFilter, after: str, limit: int) -> Found:
    """Look for a text in the first rows themselves, which are read at once."""
    entries = index.read_entries(rows, IndexRange(after, wanted.since), limit)
    position = entries[-1].row_key if len(entries) == limit else None
    matches = (wanted.may_have(entry.run_id, entry.workload, entry.outcome) for entry in entries)
    return Found([*compress(entries, matches)], position)


def _match_keys(rows: Rows, wanted: RunFilter, after: str, limit: int) -> Found:
    """Look for a text in the next keys; only rows that have it are read, one by one."""
    part = IndexRange(after, wanted.since)
    seen = index.read_values(rows, part, ("workload", "outcome"), MAX_ROWS_A_PAGE)
    position = [*seen][-1] if len(seen) == MAX_ROWS_A_PAGE else None
    matches = (
        wanted.may_have(row_keys.run_of_index_row(key), row.get("workload"), row.get("outcome"))
        for key, row in seen.items()
    )
    keys = [*compress(seen, matches)]
    if len(keys) > (most := min(limit, MAX_FOUND)):
        keys, position = keys[:most], keys[most - 1]
    with ContextPool(READ_AT_ONCE) as pool:
        entries = pool.map(lambda key: index.find_entry(rows, key), keys)
    return Found([entry for entry in entries if entry is not None], position)
