"""A chunk is divided into pieces that fit into memory, and its records stay what they are."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.selection import ConstantSelector
from fanout.records import Chunk
from fanout.splitting.records import parse_records
from fanout.splitting.sizes.estimates import chunk_bytes
from fanout.splitting.sizes.pieces import divide

KINDS = ["csv", "jsonl", "json", "inline"]


def chunk_of(kind: Any, texts: list[str], **fields: Any) -> Chunk:
    joined = {"csv": "\n", "jsonl": "\n", "json": ","}.get(kind)
    values = texts if kind == "csv" else [json.dumps({"a": text}) for text in texts]
    data = f"[{','.join(values)}]" if joined is None else joined.join(values)
    columns = ["a"] if kind == "csv" else None
    return Chunk(kind, data.encode(), columns, 3, 1, len(texts), **fields)


@pytest.mark.parametrize("kind", KINDS)
@given(
    texts=st.lists(st.text("xyz", min_size=1, max_size=50), min_size=1, max_size=40),
    most=st.integers(1, 5000),
)
def test_pieces_have_the_records_of_the_whole_and_fit(kind: str, texts: list[str], most: int):
    chunk = chunk_of(kind, texts)
    pieces = list(divide(chunk, most))
    assert [record for piece in pieces for record in parse_records(piece)] == [
        *parse_records(chunk)
    ]
    assert all(piece.count == 1 or chunk_bytes(piece, most) <= most for piece in pieces)


def test_a_chunk_that_fits_is_one_piece():
    chunk = chunk_of("jsonl", ["a"] * 10)
    assert list(divide(chunk, 1_000_000)) == [chunk]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_merged_into_each_item_counts_once_for_each(kind: str):
    chunk = chunk_of(kind, ["x"] * 8, selection={"big": ConstantSelector(const="y" * 1000)})
    assert len(list(divide(chunk, 3000))) >= 4
