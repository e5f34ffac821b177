"""Compressed blobs come out as they went in, or are refused before they fill anything."""

import gzip
import tracemalloc
import zlib

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.source import Codec, JsonlFormat
from fanout.splitting.decoding.codecs import (
    PIECE_BYTES,
    CompressionError,
    Expansion,
    content_codec,
    decompress,
)
from tests.support.records_oracle import in_chunks

COMPRESS = {"gzip": gzip.compress, "zstd": zstd.compress}
codecs = st.sampled_from(["gzip", "zstd"])
sizes = st.lists(st.integers(1, 30), min_size=1, max_size=6)


@given(codec=codecs, parts=st.lists(st.binary(max_size=200), min_size=1, max_size=4), sizes=sizes)
def test_any_members_in_any_chunks_come_out(codec, parts, sizes):
    blob = b"".join(COMPRESS[codec](part) for part in parts)
    assert b"".join(decompress(in_chunks(blob, sizes), codec)) == b"".join(parts)


@given(codec=codecs, data=st.binary(min_size=1, max_size=100), sizes=sizes, lost=st.integers(1, 20))
def test_a_stream_cut_short_is_refused(codec, data, sizes, lost):
    whole = COMPRESS[codec](data)
    blob = whole[: max(0, len(whole) - lost)]
    with pytest.raises(CompressionError, match=f"cut short: it ends at byte {len(blob)}"):
        list(decompress(in_chunks(blob, sizes), codec))


@given(codec=codecs, data=st.binary(max_size=100), sizes=sizes)
def test_bytes_that_were_never_compressed_are_refused(codec, data, sizes):
    with pytest.raises(CompressionError):
        list(decompress(in_chunks(b"id,name\n" + data, sizes), codec))


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_what_follows_a_member_and_is_none_is_refused(codec):
    with pytest.raises(CompressionError, match=f"it is no {codec}"):
        list(decompress([COMPRESS[codec](b"a"), b"tail of some other kind"], codec))


def test_zeros_after_the_last_gzip_member_are_padding():
    assert b"".join(decompress([gzip.compress(b"a") + bytes(9), bytes(512)], "gzip")) == b"a"


@pytest.mark.parametrize("size", [1, 512])
def test_zeros_alone_are_no_gzip(size):
    with pytest.raises(CompressionError, match=r"it is no gzip|cut short"):
        list(decompress([bytes(size), bytes(size)], "gzip"))


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_flipped_byte_is_noticed(codec):
    content = bytes(range(256)) * 40
    options = {zstd.CompressionParameter.checksum_flag: 1}
    blob = bytearray(
        gzip.compress(content) if codec == "gzip" else zstd.compress(content, options=options)
    )
    blob[len(blob) // 2] ^= 0x40
    with pytest.raises(CompressionError):
        list(decompress([bytes(blob)], codec))


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize(
    ("allowed", "fault"),
    [
        (Expansion(max_bytes=5_000_000, max_ratio=10**9), "larger than 5000000 bytes"),
        (Expansion(max_ratio=50, free_bytes=5_000_000), "more than 50 times as large"),
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(codec: Codec, allowed, fault):
    blob = COMPRESS[codec](bytes(100_000_000))
    tracemalloc.start()
    with pytest.raises(CompressionError, match=fault):
        for piece in decompress([blob], codec, allowed):
            assert len(piece) <= PIECE_BYTES
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * PIECE_BYTES


def test_output_that_is_larger_than_a_piece_comes_out_whole():
    data = zlib.compress(b"", 1) + bytes(3 * PIECE_BYTES) + b"end"
    for codec, compress in COMPRESS.items():
        assert b"".join(decompress([compress(data)], codec)) == data


@pytest.mark.parametrize(
    ("blob", "compression", "codec"),
    [
        ("a.jsonl", None, None),
        ("a.jsonl.gz", None, "gzip"),
        ("a.CSV.GZ", None, "gzip"),
        ("a.zst", None, "zstd"),
        ("a.gz", "none", None),
        ("a.gz", "zstd", "zstd"),
        ("a", "gzip", "gzip"),
    ],
)
def test_a_codec_is_named_or_goes_by_the_name_of_the_blob(blob, compression, codec):
    assert JsonlFormat(kind="jsonl", compression=compression).codec(blob) == codec


@pytest.mark.parametrize(
    ("content_encoding", "codec"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        (" GZIP ", "gzip"),
        ("x-gzip", "gzip"),
        ("zstd", "zstd"),
        ("utf-8", None),
        ("ISO-8859-1", None),
    ],
)
def test_a_content_encoding_tells_the_codec(content_encoding: str | None, codec: Codec | None):
    assert content_codec(content_encoding) == codec


@pytest.mark.parametrize(
    "content_encoding", ["br", "deflate", "gzip, gzip", "zlib", "bz2", "gz\0ip"]
)
def test_a_content_encoding_that_is_not_read_is_refused(content_encoding: str):
    with pytest.raises(CompressionError, match="gzip and zstd are read"):
        content_codec(content_encoding)
