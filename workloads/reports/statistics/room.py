"""How many groups a report may have: all of them are in memory at once, in the end.

A column with a name for each row makes as many groups as there are rows. That is no report, and it
is refused before it takes the memory of everything else that a worker does.
"""

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from fanout.errors import LimitError

if TYPE_CHECKING:
    from workloads.reports.statistics.partial import Group, Key

MAX_GROUPS = 100_000
# What the groups of one report may take, by what follows: a few hundred MiB while files are made.
MAX_GROUP_BYTES = 96 * 1_048_576
MAX_KEY_CHARACTERS = 1000
_GROUP_BYTES, _KEY_BYTES, _TALLY_BYTES, _SKETCH_BYTES, _BUCKET_BYTES = 300, 60, 300, 1400, 100
# The buckets of so few groups are never too many.
_FEW_GROUPS = 3


class TooManyGroupsError(LimitError):
    """A report has more groups than fit into memory."""


def insist_on_few(count: int) -> None:
    """Insist that there are not too many groups.

    Raises:
        TooManyGroupsError: There are.
    """
    if count > MAX_GROUPS:
        raise TooManyGroupsError(
            f"the report has more than {MAX_GROUPS} groups: `group_by` is for columns of which "
            "many rows have the same value"
        )


def insist_on_room(groups: "Mapping[Key, Group]") -> None:
    """Insist that groups are not too many, and do not take too much memory together.

    Raises:
        TooManyGroupsError: They do.
    """
    insist_on_few(len(groups))
    if _most_bytes(groups) <= MAX_GROUP_BYTES:
        return
    size = sum(_group_bytes(key, group) for key, group in groups.items())
    if size > MAX_GROUP_BYTES:
        raise TooManyGroupsError(
            f"the {len(groups)} groups of the report take {size} bytes, over {MAX_GROUP_BYTES}: "
            "fewer metrics, or columns with fewer values in `group_by`, make them smaller"
        )


def _most_bytes(groups: "Mapping[Key, Group]") -> int:
    """What groups take at most, by the first of them; without a limit where it is not known."""
    for key, group in islice(groups.items(), 1):
        if group.buckets and len(groups) > _FEW_GROUPS:
            return MAX_GROUP_BYTES + 1
        fixed = _group_bytes(("",) * len(key), group) + len(key) * MAX_KEY_CHARACTERS
        return len(groups) * (fixed + _SKETCH_BYTES * len(group.sketches))
    return 0


def _group_bytes(key: "Key", group: "Group") -> int:
    texts = sum(_KEY_BYTES + len(text or "") for text in key)
    sketches = sum(map(len, group.sketches)) + _KEY_BYTES * len(group.sketches)
    buckets = _BUCKET_BYTES * sum(map(len, group.buckets))
    return _GROUP_BYTES + texts + _TALLY_BYTES * len(group.tallies) + sketches + buckets
