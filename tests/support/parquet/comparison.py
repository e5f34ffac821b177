"""Records of the product beside the rows that PyArrow has, one by one."""

import io
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from fanout.naming.error_types import ErrorType
from fanout.records import Record
from tests.support.parquet.oracle import UNREADABLE, is_same, json_of
from tests.support.parquet.readings import records_of

NAMED = {ErrorType.PARQUET, ErrorType.ENCODING}
Row = dict[str, pa.Scalar]


def rows_of(data: bytes) -> Iterator[Row | None]:
    """The rows as PyArrow has them; None for each of a row group that it cannot read itself."""
    file = pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True)
    for number in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(number).num_rows
        try:
            group = file.read_row_group(number)
            is_whole = group.num_rows == rows
            group.validate()
        except (pa.ArrowException, OSError):
            is_whole = False
        for row in range(rows):
            yield {name: group[name][row] for name in group.column_names} if is_whole else None


def difference(record: Record, row: Row | None) -> str:
    """Say what is neither the value of a row nor a failure of one that has none; mostly nothing."""
    if record.error is not None and record.error.type not in NAMED:
        return f"it fails with {record.error}"
    if row is None:
        return "" if record.error and "row group" in record.error.message else "a group is read"
    bad = [name for name, cell in row.items() if json_of(cell) is UNREADABLE]
    if record.error is not None:
        places = (f"row {record.index + 1}: column '{name}" for name in bad)
        return "" if any(map(record.error.message.startswith, places)) else record.error.message
    if bad:
        return f"{record.value} has {bad}, which cannot be read"
    return "; ".join(
        f"{cell!r} became {record.value[name]!r}"
        for name, cell in row.items()
        if not is_same(record.value[name], cell)
    )


def differences(data: bytes, rows: Iterable[Row | None], most: int = 1000) -> dict[int, str]:
    """What is wrong with some records of a file, by their indexes."""
    pairs = zip(records_of(data, most), rows, strict=True)
    found = {record.index: difference(record, row) for record, row in pairs}
    return {index: fault for index, fault in found.items() if fault}
