"""The footer of a Parquet blob: its columns, and its row groups as the plan cuts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fanout.adapters.sources.blobs import BrokenSourceError, OpenBlob
from fanout.adapters.sources.parquet.files import open_file
from fanout.adapters.sources.parquet.leaves import GroupFooter
from fanout.hints import did_you_mean, shorten_name
from fanout.models.plan import BlobRef, Cut
from fanout.models.request import BatchLimits
from fanout.splitting.columns import HeaderError, insist_on_few
from fanout.splitting.rows import RowGroup, cut_rows

# How many names a message has.
_MAX_LISTED = 50
# A worker holds one decoded group.
MAX_ROW_GROUP_BYTES = 256 * 1_048_576


class MissingColumnsError(BrokenSourceError):
    """A blob has not all columns that are to be read of it."""

    def __init__(self, ref: BlobRef, missing: list[str], names: list[str]) -> None:
        listed = ", ".join(f"'{shorten_name(name)}'" for name in missing[:_MAX_LISTED])
        hint = did_you_mean(missing[0], names)
        known = ", ".join(map(shorten_name, names[:_MAX_LISTED]))
        fault = f"has no column {listed}; it has {known}{hint}"
        super().__init__(ref, fault, "source.columns")


@dataclass(frozen=True)
class ParquetBlob:
    """The footer of a Parquet blob.

    Attributes:
        columns: The columns that are read, in order.
        groups: Its row groups.
    """

    columns: list[str]
    groups: list[RowGroup]

    @classmethod
    def open(cls, blob: OpenBlob, wanted_columns: list[str] | None) -> ParquetBlob:
        """Read the footer.

        Raises:
            BrokenSourceError: It is no Parquet, its footer is damaged, it has not these columns or
                has one of them twice, or too large row groups.
            SourceChangedError: It was written or deleted meanwhile.
        """
        file = open_file(blob.store, blob.ref, blob.size)
        columns = _select_columns(blob, file.names, wanted_columns)
        groups = _check_groups(blob, file.groups, frozenset(columns))
        for number, group in enumerate(groups):
            if group.size > MAX_ROW_GROUP_BYTES:
                fault = f"has {group.size} bytes in row group {number}, over {MAX_ROW_GROUP_BYTES}"
                raise BrokenSourceError(blob.ref, fault)
        return cls(columns, groups)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, uncompressed: as many as in the group whose rows have most."""
        return max((-(-group.size // max(1, group.rows)) for group in self.groups), default=0)

    def cuts(self, limits: BatchLimits, max_items: int | None) -> Iterator[Cut]:
        """Cut its rows."""
        return cut_rows(self.groups, limits, max_items)


def _select_columns(
    blob: OpenBlob, names: list[str], wanted_columns: list[str] | None
) -> list[str]:
    counts = Counter(names)  # of thousands, to count each anew would take seconds
    missing = [name for name in wanted_columns or [] if name not in counts]
    if missing:
        raise MissingColumnsError(blob.ref, missing, names)
    columns = wanted_columns or names
    try:
        insist_on_few(columns)
    except HeaderError as error:
        raise BrokenSourceError(blob.ref, f"cannot be read: {error}") from error
    twice = sorted({name for name in columns if counts[name] > 1})
    if twice:
        many = f"has {counts[twice[0]]} columns of the name '{twice[0]}'"
        raise BrokenSourceError(blob.ref, f"{many}; `columns` may name others that are read alone")
    return columns


def _check_groups(
    blob: OpenBlob, footers: list[GroupFooter], columns: frozenset[str]
) -> list[RowGroup]:
    for number, group in enumerate(footers):
        if not group.is_possible:  # who would read so many?
            fault = f"has a damaged footer: row group {number} cannot have {group.rows} rows"
            raise BrokenSourceError(blob.ref, fault)
    return [RowGroup(group.rows, group.size(columns)) for group in footers]
