"""Transparency is composed on white before anything is measured."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support.pictures.files import even, image_file, process_whole, shown_pixel
from tests.support.pictures.png import RGBA, png_file
from tests.support.pictures.reference import on_white
from tests.support.pictures.tiff import (
    ASSOCIATED_ALPHA,
    BLACK_IS_ZERO,
    RGB,
    UNASSOCIATED_ALPHA,
    UNSPECIFIED,
    Layout,
    tiff_file,
)
from workloads.images.errors import UnsupportedImageError
from workloads.images.parameters import ImageParameters
from workloads.images.photo import process_photo

MEASURES = ("hash", "colours")
COLOUR = st.tuples(*[st.integers(0, 255)] * 3)


def disc(hidden: tuple[int, ...], shown: tuple[int, ...] = (20, 40, 200)) -> "np.ndarray":
    """A disc of a colour, with another where nothing is to be seen."""
    rows, columns = np.ogrid[:64, :64]
    is_shown = ((rows - 25) ** 2 + (columns - 40) ** 2 < 400)[:, :, None]
    return np.where(is_shown, (*shown, 255), (*hidden, 0)).astype(np.uint8)


@given(COLOUR, COLOUR)
def test_hidden_colours_change_no_hash_colour_or_thumbnail(
    hidden: tuple[int, ...], other: tuple[int, ...]
) -> None:
    parameters = ImageParameters(renditions=[])
    one, two = (
        process_photo(png_file(disc(colour), RGBA), parameters) for colour in (hidden, other)
    )
    assert [one.metadata[name] for name in MEASURES] == [two.metadata[name] for name in MEASURES]
    assert one.files[0].content == two.files[0].content


def test_hash_and_colours_are_those_of_the_picture_on_white() -> None:
    pixels = disc((255, 0, 0))
    composed = Image.fromarray(on_white(pixels[:, :, :3], pixels[:, :, 3]))
    clear, opaque = process_whole(png_file(pixels, RGBA)), process_whole(image_file(composed))
    assert clear.metadata["hash"] == opaque.metadata["hash"]
    assert clear.metadata["colours"][0]["hex"] == "#ffffff"
    found = {colour["hex"] for colour in clear.metadata["colours"]}
    assert found == {colour["hex"] for colour in opaque.metadata["colours"]}


def test_what_is_wholly_transparent_is_white_to_those_who_measure() -> None:
    result = process_whole(png_file(even(255, 0, 0, 0), RGBA))
    assert [colour["hex"] for colour in result.metadata["colours"]] == ["#ffffff"]
    assert result.metadata["hash"] == "0" * 16
    with Image.open(io.BytesIO(result.files[-1].content)) as thumbnail:
        assert thumbnail.convert("RGB").getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_that_colours_were_multiplied_with_is_taken_out_of_them(bits: int) -> None:
    unit = 1 if bits == 8 else 257
    samples = even(100 * unit, 50 * unit, 0, 128 * unit, kind=f"u{bits // 8}")
    data = tiff_file(samples, Layout(RGB, extra_samples=(ASSOCIATED_ALPHA,)))
    assert shown_pixel(data) == pytest.approx((199, 100, 0, 128), abs=1)
    grey = tiff_file(even(100, 128), Layout(BLACK_IS_ZERO, extra_samples=(ASSOCIATED_ALPHA,)))
    assert shown_pixel(grey) == pytest.approx((199, 199, 199, 128), abs=1)


def test_a_band_that_is_no_alpha_is_left_out() -> None:
    data = tiff_file(even(10, 20, 30, 0), Layout(RGB, extra_samples=(UNSPECIFIED,)))
    assert shown_pixel(data) == (10, 20, 30, 255)


def test_a_palette_with_a_band_of_alpha_is_shown() -> None:
    image = Image.new("PA", (16, 16))
    image.putpalette([7, 8, 9] * 256)
    image.putalpha(90)
    assert shown_pixel(image_file(image, "TIFF")) == (7, 8, 9, 90)


def test_two_bands_in_planes_are_refused_for_their_alpha_would_be_lost() -> None:
    layout = Layout(BLACK_IS_ZERO, extra_samples=(UNASSOCIATED_ALPHA,), is_planar=True)
    with pytest.raises(UnsupportedImageError, match="TIFF of mode LA in planes"):
        process_whole(tiff_file(even(100, 128), layout))


@pytest.mark.parametrize("disposal", ["GIF", "WEBP"])
def test_the_first_frame_of_an_animation_keeps_its_transparency(disposal: str) -> None:
    first, second = (
        Image.fromarray(disc((0, 0, 0), colour)) for colour in ((9, 99, 9), (9, 9, 99))
    )
    options = {"lossless": True} if disposal == "WEBP" else {}
    data = image_file(first, disposal, save_all=True, append_images=[second], **options)
    assert shown_pixel(data, (40, 25)) == (9, 99, 9, 255)
    assert shown_pixel(data, (1, 60))[3] == 0
    assert process_whole(data).metadata["frames"] == 2
