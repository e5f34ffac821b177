"""Of a damaged Parquet each record is right or named, or it is refused whole: no batch is lost."""

import io
import time
from collections.abc import Callable
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fanout.errors import InvalidRequestError
from tests.support.parquet.comparison import difference, differences, rows_of
from tests.support.parquet.files import counts, flip_bytes, footer_of, write_table
from tests.support.parquet.readings import records_of

FILES = 150
TABLE = pa.table(
    {
        "n": list(range(60)),
        "word": [f"word {number}" if number % 7 else None for number in range(60)],
        "list": [[number] * (number % 3) for number in range(60)],
        "moment": counts(pa.timestamp("ns"), *range(60)),
        "struct": [{"a": number / 7, "b": str(number)} for number in range(60)],
    }
)


def page_bounds(data: bytes) -> list[tuple[int, int]]:
    """Where the pages of each column of each row group are."""
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [group.column(leaf) for group in groups for leaf in range(group.num_columns)]
    begins = [chunk.dictionary_page_offset or chunk.data_page_offset for chunk in chunks]
    sizes = [chunk.total_compressed_size for chunk in chunks]
    return [(begin, begin + size) for begin, size in zip(begins, sizes, strict=True)]


def write(random: Random, *, has_checksums: bool) -> bytes:
    return write_table(
        TABLE,
        row_group_size=random.choice([20, 60]),
        compression=random.choice(["none", "snappy", "zstd"]),
        use_dictionary=random.random() < 0.5,
        data_page_version=random.choice(["1.0", "2.0"]),
        write_page_checksum=has_checksums,
    )


def check_pages(seed: int) -> None:
    """Of pages with checksums no value comes but those that were written."""
    random = Random(seed)
    data = write(random, has_checksums=True)
    begin, end = random.choice(page_bounds(data))
    # The last bytes of a column are those of a page, which a checksum covers; headers have none.
    damaged = flip_bytes(random, data, end - min(16, end - begin), end)
    written = [{name: TABLE[name][row] for name in TABLE.column_names} for row in range(60)]
    records = records_of(damaged, random.choice([7, 1000]))
    failed = [record for record in records if record.error is not None]
    assert len(records) == 60 and len(failed) in (20, 60), f"seed {seed}"
    for record in records:
        if record.error is None:
            assert difference(record, written[record.index]) == "", f"seed {seed}"


def check_anywhere(seed: int) -> None:
    """Of what no checksum covers comes what PyArrow has of the same bytes."""
    random = Random(seed)
    data = write(random, has_checksums=random.random() < 0.5)
    begin = random.choice([4, 4, footer_of(data)[0]])
    damaged = flip_bytes(random, data, begin, len(data))
    try:
        found = differences(damaged, rows_of(damaged), random.choice([7, 1000]))
    except InvalidRequestError:
        return  # the request is refused, with the reason
    assert found == {}, f"seed {seed}"


CHECKS = [check_pages, check_anywhere]


@pytest.mark.parametrize("check", CHECKS)
def test_damaged_files_give_right_records_and_named_failures(check: Callable[[int], None]):
    for seed in range(FILES):
        check(seed)


@pytest.mark.chaos
@pytest.mark.parametrize("check", CHECKS)
def test_ever_more_damaged_files_give_right_records_and_named_failures(
    check: Callable[[int], None], chaos_seconds: float
):
    end, seed = time.monotonic() + chaos_seconds / len(CHECKS) / 4, FILES
    while time.monotonic() < end:
        check(seed)
        seed += 1
