"""Colours are brought into sRGB, whatever is transparent beside them."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.support.pictures import profiles
from tests.support.pictures.files import even, image_file, picture_of, process_whole, shown_pixel
from tests.support.pictures.png import PALETTE, RGBA, chunk, colour_profile, png_file
from tests.support.pictures.reference import in_srgb
from tests.support.pictures.tiff import CIELAB, CMYK, Layout, tiff_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
GREEN = (60, 180, 60)
# What littleCMS makes of GREEN; the reports of lost profiles have these numbers.
IN_SRGB = [(profiles.DISPLAY_P3, (0, 183, 30)), (profiles.ADOBE_RGB, (0, 181, 42))]


def converted(profile: bytes) -> Any:
    return tuple(in_srgb(np.array([[GREEN]], np.uint8), profile)[0, 0])


@pytest.mark.parametrize(("profile", "wanted"), IN_SRGB)
@pytest.mark.parametrize("alpha", [255, 128])
def test_rgba_with_an_icc_profile_becomes_srgb(
    profile: bytes, wanted: tuple[int, ...], alpha: int
) -> None:
    data = png_file(even(*GREEN, alpha), RGBA, chunks=[colour_profile(profile)])
    assert shown_pixel(data) == (*wanted, alpha)
    assert converted(profile) == wanted


@pytest.mark.parametrize(("profile", "wanted"), IN_SRGB)
def test_colours_of_a_transparent_palette_become_srgb(
    profile: bytes, wanted: tuple[int, ...]
) -> None:
    palette = [chunk(b"PLTE", bytes((1, 2, 3, *GREEN))), chunk(b"tRNS", b"\0")]
    indices = np.ones((16, 16, 1), np.uint8)
    indices[0, 0] = 0
    data = png_file(indices, PALETTE, chunks=[colour_profile(profile), *palette])
    assert shown_pixel(data) == (*wanted, 255)
    assert shown_pixel(data, (0, 0))[3] == 0


@pytest.mark.parametrize("alpha", [255, 128])
def test_grey_with_alpha_is_converted_from_a_profile_for_grey(alpha: int) -> None:
    image = Image.new("LA", (16, 16), (128, alpha))
    level = int(in_srgb(even(128), profiles.GREY)[0, 0, 0])
    assert level != 128
    data = image_file(image, icc_profile=profiles.GREY)
    assert shown_pixel(data) == (level, level, level, alpha)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGBA", profiles.DAMAGED),
        ("RGBA", profiles.PRESS),
        ("RGBA", profiles.GREY),
        ("RGB", b"no profile"),
        ("LA", profiles.ADOBE_RGB),
        ("L", profiles.ADOBE_RGB),
    ],
)
def test_a_damaged_profile_and_one_for_other_colours_count_as_none(
    mode: str, profile: bytes
) -> None:
    plain = Image.new("RGB", (16, 16), GREEN).convert(mode)
    with_profile, without = (
        process_whole(image_file(plain, **options)) for options in ({"icc_profile": profile}, {})
    )
    assert with_profile.files[0].content == without.files[0].content


def test_inks_are_converted_from_their_profile_or_as_filters_of_light() -> None:
    inks = even(120, 30, 60, 20)
    for profile in (None, profiles.PRESS):
        fields = {} if profile is None else {34675: ("B", tuple(profile))}
        data = tiff_file(inks, Layout(CMYK, fields=fields))
        wanted = in_srgb(inks, profile)[5, 5]
        assert np.abs(np.array(shown_pixel(data)[:3]) - wanted).max() <= 1


def test_adobes_upside_down_inks_of_a_jpeg_are_turned() -> None:
    image = Image.new("CMYK", (32, 32), (200, 10, 20, 0))
    data = image_file(image, "JPEG", quality=95, icc_profile=profiles.PRESS)
    wanted = in_srgb(even(200, 10, 20, 0), profiles.PRESS)[5, 5]
    assert np.abs(np.array(shown_pixel(data)[:3]) - wanted).max() <= 6


def test_lab_is_shown_as_the_colours_it_names() -> None:
    red = even(136, 80, 67)
    assert shown_pixel(tiff_file(red, Layout(CIELAB)))[:3] == pytest.approx((252, 0, 6), abs=6)


def test_a_link_between_devices_is_no_profile_of_a_picture() -> None:
    link = profiles.ADOBE_RGB[:12] + b"link" + profiles.ADOBE_RGB[16:]
    assert ImageCms.ImageCmsProfile(io.BytesIO(link)).profile.device_class == "link"
    data = image_file(Image.new("RGB", (16, 16), GREEN), icc_profile=link)
    assert shown_pixel(data) == (*GREEN, 255)


def test_what_is_opaque_has_no_alpha() -> None:
    assert picture_of(process_whole(png_file(even(*GREEN, 255), RGBA))).mode == "RGB"


def test_a_profile_of_more_than_a_mebibyte_counts() -> None:
    large = profiles.ADOBE_RGB + bytes(2_000_000)
    large = len(large).to_bytes(4, "big") + large[4:]
    data = png_file(even(*GREEN, 128), RGBA, chunks=[colour_profile(large)])
    assert shown_pixel(data) == (0, 181, 42, 128)
