"""A text is read in the encoding it is in, or it is said why nobody can tell."""

import bz2
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.splitting.decoding.encodings import UTF_8, TextError, find_encoding, read_text
from tests.support.records_oracle import in_chunks

WIDE = {
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "utf-32-le": "UTF-32LE",
    "utf-32-be": "UTF-32BE",
}
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(text=st.text(), encoding=st.sampled_from([*WIDE]), sizes=sizes)
def test_any_text_with_a_byte_order_mark_comes_out_in_utf_8(text, encoding, sizes):
    data = ("\ufeff" + text).encode(encoding)
    if data.startswith(b"\xff\xfe\0\0") and encoding == "utf-16-le":
        return  # the mark of UTF-32, too
    found = read_text(in_chunks(data, sizes))
    assert found.encoding == WIDE[encoding]
    assert b"".join(found.chunks) == ("\ufeff" + text).encode()


@given(data=st.binary(max_size=50).map(lambda data: data.replace(b"\0", b"")), sizes=sizes)
def test_bytes_without_nul_are_left_alone(data, sizes):
    data = b"text," + data
    found = read_text(in_chunks(data, sizes))
    assert (found.encoding, b"".join(found.chunks)) == (UTF_8, data)


@pytest.mark.parametrize("encoding", [*WIDE])
@pytest.mark.parametrize("text", ["id,n\r\n1,Zoë\r\n", '{"a":1}\n', "[1]", "a", "x,😀\n1,2\n"])
def test_a_text_of_latin_letters_needs_no_byte_order_mark(encoding, text):
    assert find_encoding(text.encode(encoding)) == WIDE[encoding]


@pytest.mark.parametrize(
    "data",
    [b"", b"a,b\n1,\0\n2,3\n", b"a,b\n1,\0\r2,3\r\0,4", b"\xef\xbb\xbfa\0b\0", b"x\0y\n1\x002\n"],
)
def test_utf_8_with_some_nul_bytes_stays_utf_8(data):
    assert find_encoding(data) == UTF_8


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_of_other_scripts_without_a_byte_order_mark_is_refused(ending, encoding):
    text = f"\u0438\u043c\u044f\u0438\u043c\u044f,\u0433\u043e\u0434\u0433\u043e\u0434{ending}" * 3
    with pytest.raises(TextError, match="without a byte order mark"):
        find_encoding(text.encode(encoding))


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), sink)
    return sink.getvalue()


@pytest.mark.parametrize("data", [b"PAR1,PAR2\n1,2\n", b"PAR1\n1\n", b"BZh,id\n", b"BZh9\n"])
def test_a_column_may_be_called_as_a_file_of_another_kind_begins(data):
    assert b"".join(read_text([data]).chunks) == data


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x1f\x8b\x08", "gzip data"),
        (b"\x28\xb5\x2f\xfd", "zstd data"),
        (bz2.compress(b"a"), "bzip2 data"),
        (bz2.compress(b""), "bzip2 data"),
        (b"PK\x03\x04", "a ZIP archive"),
        (_parquet(), "a Parquet file"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_a_file_of_another_kind_is_no_text(data, kind):
    with pytest.raises(TextError, match=f"begins as {kind}"):
        read_text([data[:1], data[1:], b"more"])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("a\n\ud83d\nb\n".encode("utf-16-le", "surrogatepass"), b"a\n\xed\xa0\xbd\nb\n"),
        ("a\nb".encode("utf-16-be")[:-1], b"a\n\xed\xbf\xbf"),
        ("ab\n".encode("utf-32-le") + b"\0\0\x11\0c\0\0\0", b"ab\n\xed\xbf\xbfc"),
        ("ab\nc".encode("utf-32-le")[:-2] + b"", b"ab\n\xed\xbf\xbf"),
    ],
)
def test_what_is_no_character_becomes_no_utf_8(data, text):
    out = b"".join(read_text([data]).chunks)
    assert out == text
    with pytest.raises(UnicodeDecodeError):
        out.decode()
