"""What is no picture, or one that cannot be read, is refused by a name that says why."""

import struct

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures.files import even, image_file, picture_of, process_whole, shown_pixel
from tests.support.pictures.png import GREY, PALETTE, RGB, SIGNATURE, chunk, png_file
from tests.support.pictures.tiff import BLACK_IS_ZERO, Layout, tiff_file
from tests.support.pictures.tiff import RGB as TIFF_RGB
from workloads.images.errors import (
    CorruptImageError,
    ImageTooLargeError,
    NotAnImageError,
    TruncatedImageError,
    UnsupportedImageError,
)
from workloads.images.opening import FORMATS, open_image
from workloads.images.parameters import ImageLimits

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
LIMITS = ImageLimits()


def jpeg_of_twelve_bits() -> bytes:
    data = image_file(Image.new("L", (16, 16)), "JPEG")
    frame = data.index(b"\xff\xc0")
    return data[: frame + 1] + b"\xc1" + data[frame + 2 : frame + 4] + b"\x0c" + data[frame + 5 :]


UNSUPPORTED = {
    "TIFF of 64 bits": tiff_file(even(0.5, kind="f8"), Layout(BLACK_IS_ZERO)),
    "TIFF of 16-bit floats": tiff_file(even(0.5, kind="f2"), Layout(BLACK_IS_ZERO)),
    "TIFF of float RGB": tiff_file(even(0.1, 0.2, 0.3, kind="f4"), Layout(TIFF_RGB)),
    "TIFF of five bands": tiff_file(even(1, 2, 3, 4, 5), Layout(BLACK_IS_ZERO)),
    "JPEG of 12 bits": jpeg_of_twelve_bits(),
}


@pytest.mark.parametrize("data", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_kinds_that_cannot_be_read_are_named(data: bytes) -> None:
    with pytest.raises((UnsupportedImageError, CorruptImageError)):
        process_whole(data)


def test_a_format_that_refuses_its_file_says_why() -> None:
    with pytest.raises(UnsupportedImageError, match="unknown pixel mode"):
        process_whole(UNSUPPORTED["TIFF of 64 bits"])
    with pytest.raises(CorruptImageError, match="its head is broken"):
        process_whole(SIGNATURE + chunk(b"IEND", b""))


@pytest.mark.parametrize("to", ["JPEG2000", "ICO", "PPM", "TGA", "PCX"])
def test_other_formats_are_none_of_those_that_are_taken(to: str) -> None:
    assert to not in FORMATS
    with pytest.raises(NotAnImageError, match="it is none of JPEG"):
        process_whole(image_file(Image.new("RGB", (16, 16)), to))


def test_a_picture_without_pixels_is_refused() -> None:
    for width, height in ((0, 5), (5, 0), (0, 0)):
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        data = SIGNATURE + head + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
        with pytest.raises(CorruptImageError):
            process_whole(data)


def test_tiles_that_no_memory_holds_are_refused_before_they_are_made() -> None:
    layout = Layout(TIFF_RGB, is_deflated=True, tile=(16, 16))
    data = bytearray(tiff_file(even(1, 2, 3), layout))
    start = struct.unpack_from("<I", data, 4)[0] + 2
    for entry in range(start, len(data), 12):
        if struct.unpack_from("<H", data, entry)[0] in (322, 323):
            struct.pack_into("<I", data, entry + 8, 60_000)
        if struct.unpack_from("<H", data, entry)[0] == 339:
            break
    with pytest.raises(ImageTooLargeError, match="its tiles have 3,600,000,000 pixels"):
        open_image(bytes(data), LIMITS)


def test_a_tile_may_be_larger_than_a_small_photo() -> None:
    data = tiff_file(even(1, 2, 3), Layout(TIFF_RGB, is_deflated=True, tile=(256, 256)))
    assert open_image(data, ImageLimits(max_pixels=16 * 16)).size == (16, 16)


def test_palettes_may_be_short_of_what_indices_name() -> None:
    colours = chunk(b"PLTE", bytes((9, 8, 7)))
    assert shown_pixel(png_file(even(0), PALETTE, chunks=[colours])) == (9, 8, 7, 255)
    process_whole(png_file(even(200), PALETTE, chunks=[colours]))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 3000), (3000, 1), (2, 1)])
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_pictures_of_any_proportions_are_made(width: int, height: int, bits: int) -> None:
    result = process_whole(png_file(np.ones((height, width, 1), int), GREY, bits))
    assert (result.metadata["width"], result.metadata["height"]) == (width, height)


@pytest.mark.parametrize("field", [339, 258, 34675])
def test_a_tiff_that_ends_before_what_its_colours_need_is_truncated(field: int) -> None:
    fields = {34675: ("B", tuple(bytes(300)))}
    data = tiff_file(even(10, 20, 30), Layout(TIFF_RGB, fields=fields))
    start = struct.unpack_from("<I", data, 4)[0] + 2
    entries = range(start, start + 12 * 15, 12)
    (entry,) = (e for e in entries if struct.unpack_from("<H", data, e)[0] == field)
    (offset,) = struct.unpack_from("<I", data, entry + 8)
    with pytest.raises((TruncatedImageError, CorruptImageError)):
        process_whole(data[: offset + 1])


def test_several_pages_and_pictures_are_counted_and_the_first_is_taken() -> None:
    first, second = (Image.new("RGB", (16, 16), colour) for colour in ("navy", "red"))
    for to in ("TIFF", "GIF", "PNG", "MPO"):
        result = process_whole(image_file(first, to, save_all=True, append_images=[second]))
        assert result.metadata["frames"] == 2, to
        pixel = picture_of(result).convert("RGB").getpixel((5, 5))
        assert pixel == pytest.approx((0, 0, 128), abs=3), to


@pytest.mark.parametrize("to", ["PNG", "TIFF", "BMP", "GIF", "WEBP", "AVIF", "JPEG"])
def test_a_picture_that_is_cut_is_whole_or_refused(to: str) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (24, 24, 3), np.uint8)
    whole = image_file(Image.fromarray(noise), to)
    wanted = process_whole(whole).files[0].content
    for end in range(1, len(whole), max(1, len(whole) // 50)):
        try:
            content = process_whole(whole[:end]).files[0].content
        except (NotAnImageError, CorruptImageError, TruncatedImageError, UnsupportedImageError):
            continue
        assert content == wanted, end


def test_a_png_of_16_bits_and_of_rgb_is_opened_by_its_head_alone() -> None:
    data = png_file(even(1, 2, 3, kind="u2"), RGB, 16)
    assert open_image(data, LIMITS).size == (16, 16)
