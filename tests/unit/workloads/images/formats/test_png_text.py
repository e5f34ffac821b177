"""Texts of a PNG neither stop its picture nor cost memory; its orientation is still read."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pictures.files import even, process_whole, shown_pixel
from tests.support.pictures.png import RGB, SIGNATURE, chunk, colour_profile, png_file
from workloads.images.errors import CorruptImageError
from workloads.images.formats.png_text import MAX_TEXT_BYTES, drop_text
from workloads.images.opening import MAX_PROFILE_BYTES

RED = (200, 30, 30)
XMP = b'<rdf:Description tiff:Orientation="6"/>'
EXIF = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
RAW_EXIF = b"\nexif\n%8d\n%s\n" % (len(EXIF), EXIF.hex().encode())
LARGE = b"x" * 1_200_000


def text(keyword: bytes, content: bytes) -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + content)


def compressed_text(keyword: bytes, content: bytes) -> bytes:
    return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(content))


def international_text(keyword: bytes, content: bytes, *, is_compressed: bool) -> bytes:
    method = b"\1\0" if is_compressed else b"\0\0"
    content = zlib.compress(content) if is_compressed else content
    return chunk(b"iTXt", keyword + b"\0" + method + b"en\0\0" + content)


LARGE_TEXTS = {
    "zTXt": [compressed_text(b"Comment", LARGE)],
    "iTXt": [international_text(b"Comment", LARGE, is_compressed=True)],
    "tEXt": [text(b"Comment", LARGE)] * 60,
    "XMP": [international_text(b"XML:com.adobe.xmp", LARGE, is_compressed=True)],
    "EXIF": [compressed_text(b"Raw profile type exif", LARGE)],
    "many": [compressed_text(b"Comment", b"x" * 900_000)] * 100,
}


@pytest.mark.parametrize("texts", LARGE_TEXTS.values(), ids=LARGE_TEXTS)
@pytest.mark.parametrize("is_last", [False, True])
def test_a_png_with_large_text_becomes_its_picture(texts: list[bytes], is_last: bool) -> None:
    chunks = ([], texts) if is_last else (texts, [])
    data = png_file(even(*RED), RGB, 8, *chunks)
    assert shown_pixel(data) == (*RED, 255)
    assert len(drop_text(data)) < 1000


@pytest.mark.parametrize("keyword", [b"icc_profile", b"transparency", b"exif", b"dpi", b"bbox"])
def test_a_text_that_is_called_like_a_property_of_pillow_is_a_text(keyword: bytes) -> None:
    data = png_file(even(*RED), RGB, chunks=[text(keyword, b"\xff\0odd"), text(b"Author", b"me")])
    assert shown_pixel(data) == (*RED, 255)


@pytest.mark.parametrize(
    "orientation",
    [
        international_text(b"XML:com.adobe.xmp", XMP, is_compressed=False),
        international_text(b"XML:com.adobe.xmp", XMP, is_compressed=True),
        compressed_text(b"Raw profile type exif", RAW_EXIF),
        text(b"Raw profile type exif", RAW_EXIF),
        chunk(b"eXIf", EXIF),
    ],
)
@pytest.mark.parametrize("is_last", [False, True])
def test_the_orientation_in_a_text_counts(orientation: bytes, is_last: bool) -> None:
    chunks = ([], [orientation]) if is_last else ([orientation], [])
    metadata = process_whole(png_file(even(*RED)[:8], RGB, 8, *chunks)).metadata
    assert (metadata["width"], metadata["height"]) == (8, 16)


def test_a_text_of_which_the_rest_is_missing_is_no_trap() -> None:
    broken = [
        chunk(kind, content) for kind in (b"tEXt", b"zTXt", b"iTXt") for content in (b"", b"x")
    ]
    assert shown_pixel(png_file(even(*RED), RGB, chunks=broken)) == (*RED, 255)


def test_a_profile_that_inflates_without_measure_is_refused() -> None:
    bomb = colour_profile(bytes(MAX_PROFILE_BYTES + 1))
    with pytest.raises(CorruptImageError, match="too large"):
        process_whole(png_file(even(*RED), RGB, chunks=[bomb]))


def test_a_png_without_text_and_other_files_are_not_even_copied() -> None:
    for data in (
        png_file(even(*RED), RGB),
        b"",
        b"GIF89a",
        SIGNATURE,
        SIGNATURE + b"\0\0\xff\xfftEXt",
    ):
        assert drop_text(data) is data


def test_a_text_of_a_mebibyte_is_no_orientation() -> None:
    padding = b" " * MAX_TEXT_BYTES
    data = png_file(even(*RED), RGB, chunks=[text(b"Raw profile type exif", RAW_EXIF + padding)])
    assert len(drop_text(data)) < 1000


@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(content: bytes) -> None:
    kept = drop_text(SIGNATURE + content)
    assert drop_text(kept) == kept
