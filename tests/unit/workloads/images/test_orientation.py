"""A picture is turned upright by its EXIF in every format, and a broken EXIF turns nothing."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures.files import image_file, picture_of, process_whole
from tests.support.pictures.png import RGB, chunk, png_file
from tests.support.pictures.reference import upright
from tests.support.pictures.tiff import ORIENTATION, Layout, tiff_file
from tests.support.pictures.tiff import RGB as TIFF_RGB

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
# Six blocks of their own colours, three by two.
BLOCKS = np.array(
    [[[200, 30, 30], [30, 200, 30], [30, 30, 200]], [[200, 200, 30], [30, 200, 200], [90, 90, 90]]],
    np.uint8,
)
STORED = BLOCKS.repeat(16, axis=0).repeat(16, axis=1)
FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}
UNREADABLE = (
    b"Exif\0\0",
    b"Exif\0\0MM\0*\0\0\xff\xff",
    b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
    b"nothing",
)


def exif_of(orientation: int, *, code: str = "H", more: bytes = b"") -> bytes:
    """EXIF with an orientation, and with entries besides."""
    value = struct.pack(">" + code, orientation).ljust(4, b"\0")
    kind = {"H": 3, "I": 4, "d": 12}[code]
    head = struct.pack(">2sHIH", b"MM", 42, 8, 1 + len(more) // 12)
    return b"Exif\0\0" + head + struct.pack(">HHI", 0x0112, kind, 1) + value[:4] + more + bytes(4)


def shown(data: bytes) -> "np.ndarray":
    result = process_whole(data)
    pixels = np.asarray(picture_of(result).convert("RGB")).astype(int)
    assert (result.metadata["height"], result.metadata["width"]) == pixels.shape[:2]
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_orientation_of_every_format_is_turned_upright(
    file_format: str, orientation: int
) -> None:
    image = Image.fromarray(STORED)
    data = image_file(image, file_format, exif=exif_of(orientation), **FORMATS[file_format])
    wanted = upright(STORED, orientation)
    assert shown(data).shape == wanted.shape
    assert np.abs(shown(data) - wanted).max() < 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("is_deflated", [False, True])
def test_every_orientation_of_a_tiff_is_turned_upright(orientation: int, is_deflated: bool) -> None:
    fields = {ORIENTATION: ("H", (orientation,))}
    data = tiff_file(STORED, Layout(TIFF_RGB, fields=fields, is_deflated=is_deflated))
    assert np.array_equal(shown(data), upright(STORED, orientation))


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    data = image_file(Image.fromarray(STORED), exif=exif_of(orientation))
    assert np.array_equal(shown(data), STORED)


@pytest.mark.parametrize("exif", UNREADABLE)
def test_an_unreadable_exif_turns_nothing(exif: bytes) -> None:
    for file_format in ("JPEG", "WEBP"):
        image = Image.fromarray(STORED)
        assert shown(image_file(image, file_format, exif=exif, quality=95)).shape == STORED.shape
    data = png_file(STORED, RGB, chunks=[chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))])
    assert np.array_equal(shown(data), STORED)


def test_a_picture_is_turned_though_its_exif_cannot_be_written_again() -> None:
    odd = struct.pack(">HHI4s", 0x8769, 2, 4, b"odd\0") + struct.pack(
        ">HHI4s", 0x8825, 7, 4, b"\xff" * 4
    )
    data = image_file(Image.fromarray(STORED), exif=exif_of(6, more=odd))
    assert np.array_equal(shown(data), upright(STORED, 6))


def test_the_orientation_of_xmp_counts_where_exif_has_none() -> None:
    xmp = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    fields = {700: ("B", tuple(xmp))}
    assert np.array_equal(
        shown(tiff_file(STORED, Layout(TIFF_RGB, fields=fields))), upright(STORED, 6)
    )
    target = io.BytesIO()
    Image.fromarray(STORED).save(target, "WEBP", lossless=True, xmp=xmp)
    assert np.array_equal(shown(target.getvalue()), upright(STORED, 6))
