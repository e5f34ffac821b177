"""A data file travels in the request byte by byte, or is told why not."""

import gzip
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.data_files import MAX_BYTES_IN_REQUEST, DataFile, make_source
from cli.errors import CommandError
from cli.settings import ClientSettings


def source(folder: Path, content: bytes, name: str = "a.csv", kind: str | None = None) -> Any:
    path = folder / name
    path.write_bytes(content)
    return make_source(DataFile(path, kind), ClientSettings(), "inbox", lambda sent, total: None)


def content_of(made: dict[str, Any]) -> bytes:
    if "text" in made:
        return str(made["text"]).encode()
    return b64decode(made["base64"], validate=True)


@given(st.binary() | st.text().map(str.encode))
def test_every_byte_of_a_file_travels(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    made = source(tmp_path_factory.getbasetemp(), content)
    assert content_of(json.loads(json.dumps(made))) == content
    assert made.keys() in ({"kind", "text", "read"}, {"kind", "base64", "read"})


def test_text_stays_readable_unless_that_is_longer(tmp_path: Path):
    assert source(tmp_path, "id,n\r\n1,é\u2028".encode())["text"] == "id,n\r\n1,é\u2028"
    assert "base64" in source(tmp_path, b"\x00\x01" * 500)
    assert "base64" in source(tmp_path, b"\xff")
    largest = [b"\x01" * MAX_BYTES_IN_REQUEST, b'"' * MAX_BYTES_IN_REQUEST, b"x" * 1_048_576]
    for content in largest:
        body = json.dumps(source(tmp_path, content), ensure_ascii=False).encode()
        assert len(body) < 2_097_152 * 3 / 4


@pytest.mark.parametrize(
    ("name", "kind", "read"),
    [
        ("a.csv", None, {"kind": "csv"}),
        ("A.CSV", None, {"kind": "csv"}),
        ("a.ndjson", None, {"kind": "jsonl"}),
        ("a.json.GZ", None, {"kind": "json", "compression": "gzip"}),
        ("a.jsonl.zst", None, {"kind": "jsonl", "compression": "zstd"}),
        ("a.parquet", None, {"kind": "parquet"}),
        ("a.txt", "csv", {"kind": "csv"}),
        ("a.json", "jsonl.gz", {"kind": "jsonl", "compression": "gzip"}),
        ("a.gz", "csv", {"kind": "csv", "compression": "gzip"}),
        ("a.jsonl.ZST", "csv", {"kind": "csv", "compression": "zstd"}),
        ("a.zst", "csv.gz", {"kind": "csv", "compression": "gzip"}),
        ("a.gz", "parquet", {"kind": "parquet"}),
    ],
)
def test_a_file_is_what_its_user_or_else_its_name_says(
    tmp_path: Path, name: str, kind: str | None, read: Any
):
    assert source(tmp_path, gzip.compress(b""), name, kind)["read"] == read


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("a.txt", None, "'a.txt' ends with none of .csv"),
        ("csv", None, "--kind"),
        ("a.gz", None, "ends with none"),
        ("a.csv.zip", None, "ends with none"),
        ("a.csv", "xml", "--kind '.xml' ends with none"),
        ("a.parquet.gz", None, "Parquet is compressed in itself"),
    ],
)
def test_a_file_that_nothing_is_known_of_is_refused(
    tmp_path: Path, name: str, kind: str | None, says: str
):
    with pytest.raises(CommandError, match=says):
        source(tmp_path, b"", name, kind)


def test_the_largest_file_travels_and_a_larger_one_is_to_be_uploaded(tmp_path: Path):
    source(tmp_path, b"x" * MAX_BYTES_IN_REQUEST)
    with pytest.raises(CommandError, match="set FANOUT_STORAGE"):
        source(tmp_path, b"x" * (MAX_BYTES_IN_REQUEST + 1))
