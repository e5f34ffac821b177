"""A chunk in two halves has the records that it has as a whole."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk
from fanout.splitting.halves import halve
from fanout.splitting.records import parse_records

ROWS = st.lists(st.dictionaries(st.sampled_from("ab"), st.text(max_size=5), min_size=2), min_size=1)


def chunk_of(kind: Any, rows: list[dict[str, str]], first_line: int) -> Chunk:
    if kind == "csv":
        fields = [[f'"{row[name].replace(chr(34), chr(34) * 2)}"' for name in "ab"] for row in rows]
        data = "\r\n\r\n".join(",".join(row) for row in fields).encode()
        return Chunk("csv", data, ["a", "b"], 7, first_line, len(rows))
    texts = [json.dumps(row, indent=1 if kind == "json" else None) for row in rows]
    data = {"jsonl": "\n \n".join(texts), "json": ",\n".join(texts)}.get(kind, json.dumps(rows))
    return Chunk(kind, data.encode(), None, 7, first_line, len(rows))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "inline"])
@given(rows=ROWS, first_line=st.sampled_from([0, 1, 40]))
def test_halves_have_the_records_of_the_whole(
    kind: str, rows: list[dict[str, str]], first_line: int
) -> None:
    fault = ErrorInfo(type="ParquetError", message="no such row")
    faults = {index: fault for index in range(7, 7 + len(rows)) if index % 3 == 0}
    whole = replace(chunk_of(kind, rows, first_line), faults=faults)
    pieces = [whole]
    while any(piece.count > 1 for piece in pieces):
        pieces = [
            half for piece in pieces for half in (halve(piece) if piece.count > 1 else (piece,))
        ]
    for piece in pieces:
        assert piece.faults.keys() <= {piece.first_index}
    records = [record for piece in pieces for record in parse_records(piece)]
    assert records == [*parse_records(whole)]


def test_one_record_has_no_halves() -> None:
    with pytest.raises(ValueError, match="no halves"):
        halve(Chunk("jsonl", b"1\n", None, 0, 1, 1))
