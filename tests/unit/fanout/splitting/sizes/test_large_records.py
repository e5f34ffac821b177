"""A record that is too large fails alone, before it is decoded."""

from typing import Any

import pytest

from fanout.models.selection import PathSelector
from fanout.records import Chunk
from fanout.splitting.records import parse_records

MOST = 100_000
ROWS = {
    "csv": (b"a", b"," * 5_000),
    "jsonl": (b'{"a":1}', b'{"a":[' + b"{}," * 1000 + b"{}]}"),
    "json": (b'{"a":1}', b'{"a":[' + b"{}," * 1000 + b"{}]}"),
}


def chunk_of(kind: Any, **fields: Any) -> Chunk:
    small, large = ROWS[kind]
    data = (b"," if kind == "json" else b"\n").join([small, large, small])
    columns = ["a"] if kind == "csv" else None
    return Chunk(kind, data, columns, 10, 5, 3, **fields)


@pytest.mark.parametrize("kind", ROWS)
def test_it_fails_by_its_type_and_line_and_its_neighbours_do_not(kind: str):
    first, large, last = parse_records(chunk_of(kind, max_item_bytes=MOST))
    assert first.error is None and last.error is None
    assert first.value is not None and first.value == last.value
    assert large.value is None and large.error is not None
    assert (large.index, large.error.type, large.error.retryable) == (
        11,
        "RecordTooLargeError",
        False,
    )
    line = "line 5: " if kind == "json" else "line 6: "
    assert large.error.message.startswith(f"{line}decoded, the item takes about ")


def test_it_is_read_where_there_is_room():
    assert all(record.error is None for record in parse_records(chunk_of("jsonl")))


def test_an_item_that_has_a_part_many_times_is_as_large_as_all_of_them():
    selection = {f"copy{number}": PathSelector(path="a") for number in range(100)}
    data = b'{"a":"x"}\n{"a":"' + b"x" * 5000 + b'"}'
    chunk = Chunk("jsonl", data, None, 0, 1, 2, selection=selection, max_item_bytes=MOST)
    small, large = parse_records(chunk)
    assert small.error is None
    assert large.error is not None and large.error.type == "RecordTooLargeError"
