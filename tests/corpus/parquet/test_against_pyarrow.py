"""Every record of a random Parquet is what PyArrow has row by row, or a failure with a reason."""

import time
from collections.abc import Callable
from random import Random

import pyarrow as pa
import pytest

from tests.support.parquet.comparison import differences, rows_of
from tests.support.parquet.files import write_table
from tests.support.parquet.readings import records_of
from tests.support.parquet.tables import random_moments, random_options, random_table

FILES = 300


def random_file(random: Random) -> bytes | None:
    """A file, unless PyArrow cannot write it."""
    table = random_table(random)
    try:
        return write_table(table, **random_options(random))
    except (pa.ArrowException, OSError):
        return None


def check_types(seed: int) -> None:
    random = Random(seed)
    if data := random_file(random):
        most = random.choice([1, 5, 1000])
        assert differences(data, rows_of(data), most) == {}, f"seed {seed}"


def check_int96(seed: int) -> None:
    """Compare with what was written: PyArrow reads INT96 in one unit, whatever it loses."""
    random = Random(seed)
    table = random_moments(random)
    data = write_table(table, use_deprecated_int96_timestamps=True, row_group_size=7)
    rows = ({name: table[name][row] for name in table.column_names} for row in range(len(table)))
    assert differences(data, rows) == {}, f"seed {seed}"


CHECKS = [check_types, check_int96]


@pytest.mark.parametrize("check", CHECKS)
def test_random_files_are_read_as_pyarrow_has_them(check: Callable[[int], None]):
    for seed in range(FILES):
        check(seed)


def test_the_random_files_have_good_rows_and_bad_ones():
    files = [data for seed in range(FILES) if (data := random_file(Random(seed)))]
    errors = [record.error for data in files for record in records_of(data)]
    assert len(files) > FILES * 0.7 and errors.count(None) > 1000
    assert {error.type for error in errors if error} == {"ParquetError", "EncodingError"}


@pytest.mark.chaos
@pytest.mark.parametrize("check", CHECKS)
def test_ever_more_random_files_are_read_as_pyarrow_has_them(
    check: Callable[[int], None], chaos_seconds: float
):
    end, seed = time.monotonic() + chaos_seconds / len(CHECKS) / 4, FILES
    while time.monotonic() < end:
        check(seed)
        seed += 1
