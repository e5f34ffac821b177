"""Read rows of a Parquet blob as lines of JSON; a row that has none is named with its fault."""

from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from pydantic_core import to_json

from fanout.adapters.sources.blobs import BlobReader
from fanout.adapters.sources.parquet.errors import CutTooLargeError
from fanout.adapters.sources.parquet.faults import Fault, Values
from fanout.adapters.sources.parquet.groups import DecodedGroup, decode_group_of
from fanout.adapters.sources.parquet.python_sizes import python_bytes
from fanout.adapters.sources.parquet.slices import find_slices
from fanout.adapters.sources.parquet.values import is_plain, read_column
from fanout.models.outcome import ErrorInfo
from fanout.models.plan import BlobRef, Cut
from fanout.naming.error_types import ErrorType
from fanout.printable import describe_error
from fanout.splitting.sizes.budget import DEFAULT_BUDGET, Budget

_NULL = b"null"


@dataclass(frozen=True)
class RowLines:
    """Rows as lines of JSON.

    Attributes:
        data: A line for each row; ``null`` for one that cannot be read.
        faults: Why it cannot, by the index of the item.
    """

    data: bytes
    faults: dict[int, ErrorInfo] = field(default_factory=dict)


def read_rows(
    store: BlobReader,
    ref: BlobRef,
    columns: list[str] | None,
    cut: Cut,
    budget: Budget = DEFAULT_BUDGET,
) -> RowLines:
    """Read the rows of a batch as lines of JSON.

    Dates and times are text as ISO 8601 has it, with nine digits where there are nanoseconds;
    decimals are text, bytes are Base64, and numbers that JSON has not (NaN, infinity) are null.
    A row with a value that JSON or the calendar of Python cannot hold has a fault, and so have one
    that is too large, and all rows of a row group that cannot be decoded.

    Raises:
        CutTooLargeError: The rows together are too large; fewer at a time may not be.
        SourceChangedError: The blob is not the one that was planned.
    """
    texts: list[bytes] = []
    faults: dict[int, ErrorInfo] = {}
    wanted = tuple(columns) if columns else None
    row, room = cut.offset, _Room(cut, budget)
    while row < cut.end:
        group = decode_group_of(store, ref, wanted, row, budget.batch)
        for begin, end, taken in find_slices(group, row, min(cut.end, group.end), budget):
            room.take_rows(taken)
            index = cut.first_index + begin - cut.offset
            lines, errors = _lines(group, begin, end, budget.item)
            faults |= {index + place: error for place, error in errors}
            texts += [b"\n".join(lines), b"\n"]
            room.take_text(texts[-2])
        row = group.end
    return RowLines(b"".join(texts), faults)


class _Room:
    """Sees to it that the rows of a cut do not take too much together."""

    def __init__(self, cut: Cut, budget: Budget) -> None:
        self._cut, self._budget = cut, budget
        self._decoded = self._written = 0

    def take_rows(self, size: int) -> None:
        """Take rows before they are made into values of Python; raises `CutTooLargeError`."""
        self._decoded += size
        self._insist_on(self._decoded, 2 * self._budget.piece)

    def take_text(self, lines: bytes) -> None:
        """Take lines as they are written; raises `CutTooLargeError`."""
        self._written += len(lines)
        self._insist_on(self._written, self._budget.piece)

    def _insist_on(self, size: int, max_bytes: int) -> None:
        if size > max_bytes and self._cut.items > 1:
            place = f"rows {self._cut.offset + 1} to {self._cut.end}"
            raise CutTooLargeError(f"{place} take more than {max_bytes} bytes together")


def _lines(
    group: DecodedGroup, begin: int, end: int, max_bytes: int
) -> tuple[list[bytes], list[tuple[int, ErrorInfo]]]:
    """Make the lines of some rows of a group, and the errors of those that have none."""
    count = end - begin
    if group.table is None:
        error = _error(ErrorType.PARQUET, group.fault)
        return [_NULL] * count, [(row, error) for row in range(count)]
    table = group.table.slice(begin - group.first_row, count)
    if count == 1 and (size := python_bytes(table)) > max_bytes:
        return [_NULL], [(0, _too_large(begin, size, max_bytes))]
    lines, errors = _lines_of(group, table, begin)
    if len(lines) == 1 and len(lines[0]) > max_bytes:
        return [_NULL], [(0, _too_large(begin, len(lines[0]), max_bytes))]
    return lines, errors


def _too_large(row: int, size: int, max_bytes: int) -> ErrorInfo:
    message = f"row {row + 1}: decoded, it takes about {size} bytes of memory, over {max_bytes}"
    return _error(ErrorType.RECORD_TOO_LARGE, message)


def _lines_of(
    group: DecodedGroup, table: Any, begin: int
) -> tuple[list[bytes], list[tuple[int, ErrorInfo]]]:
    if not group.coarse and all(map(is_plain, table.schema.types)):
        try:
            return _dump(table.to_pylist()), []
        except Exception:  # noqa: BLE001, S110  one value made it; columns are read by themselves
            pass
    columns = _read_columns(group, table, begin - group.first_row)
    rows = _join(columns, table.num_rows)
    faults = _first_faults(columns)
    try:
        lines = _dump([None if row in faults else cells for row, cells in enumerate(rows)])
    except (ValueError, RecursionError):
        lines = [_try_line(row, cells, faults) for row, cells in enumerate(rows)]
    return lines, [
        (row, _error(fault.type, _message(begin + row, fault)))
        for row, fault in sorted(faults.items())
    ]


def _dump(rows: list[Any]) -> list[bytes]:
    return [to_json(row, bytes_mode="base64", inf_nan_mode="null") for row in rows]


def _read_columns(group: DecodedGroup, table: Any, first: int) -> dict[str, Values]:
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        coarse = group.coarse.get(name)
        part = None if coarse is None else coarse.slice(first, table.num_rows)
        columns[name] = read_column(column, part)
    return columns


def _join(columns: dict[str, Values], count: int) -> list[dict[str, Any]]:
    """Make rows of columns; of none, too."""
    if not columns:
        return [{} for _ in range(count)]
    cells = zip(*(column.values for column in columns.values()), strict=True)
    return list(map(dict, map(zip, repeat(list(columns)), cells)))


def _first_faults(columns: dict[str, Values]) -> dict[int, Fault]:
    """The fault of each row that has one: that of its first column."""
    faults: dict[int, Fault] = {}
    for name, column in columns.items():
        for row, fault in column.faults.items():
            faults.setdefault(row, fault.within(name))
    return faults


def _try_line(row: int, cells: dict[str, Any], faults: dict[int, Fault]) -> bytes:
    if row not in faults:
        try:
            return _dump([cells])[0]
        except (ValueError, RecursionError) as error:
            fault = f"it cannot be written as JSON: {describe_error(error)}"
            faults[row] = Fault(ErrorType.PARQUET, fault)
    return _NULL


def _message(row: int, fault: Fault) -> str:
    """Tell the fault of a row, with its number as people count."""
    place = f"column '{fault.place}': " if fault.place else ""
    return f"row {row + 1}: {place}{fault.message}"


def _error(error_type: ErrorType, message: str) -> ErrorInfo:
    return ErrorInfo(type=error_type, message=message, retryable=False)
