"""The transparent colour of a PNG is compared at the depth of its pixels."""

import struct

import numpy as np
import pytest

from tests.support.pictures.files import even, picture_of, process_whole, shown_pixel
from tests.support.pictures.png import GREY, GREY_ALPHA, RGB, chunk, png_file
from tests.support.pictures.reference import scale


def with_key(samples: "np.ndarray", colour_type: int, bits: int, *key: int) -> "np.ndarray":
    """The alpha of a picture in which a colour is transparent."""
    data = png_file(
        samples, colour_type, bits, [chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))]
    )
    return np.asarray(picture_of(process_whole(data)).convert("RGBA"))[:, :, 3]


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_level_of_grey_is_transparent_and_no_other(bits: int) -> None:
    levels = np.arange(2 ** min(bits, 4)) * (4369 if bits == 16 else 1)
    for key in levels:
        samples = levels.reshape(-1, 1, 1)
        wanted = np.where(levels == key, 0, 255)
        assert with_key(samples, GREY, bits, int(key))[:, 0].tolist() == wanted.tolist()


def test_a_level_of_16_bits_is_compared_whole() -> None:
    samples = np.array([[[30_000], [30_001], [0]]])
    assert with_key(samples, GREY, 16, 30_000).tolist() == [[0, 255, 255]]


def test_a_colour_of_16_bits_is_compared_whole() -> None:
    samples = np.array([[[65_535, 256, 0], [65_535, 256, 1], [65_535, 257, 0], [10, 20, 30]]])
    assert with_key(samples, RGB, 16, 65_535, 256, 0).tolist() == [[0, 255, 255, 255]]


def test_bits_above_the_depth_are_ignored() -> None:
    samples = np.array([[[200, 100, 50], [0, 0, 0]]])
    assert with_key(samples, RGB, 8, 0x7F00 | 200, 100, 50).tolist() == [[0, 255]]
    assert with_key(np.array([[[7], [3]]]), GREY, 4, 0x10 | 7).tolist() == [[0, 255]]


def test_grey_with_alpha_of_16_bits_stays_grey() -> None:
    samples = even(30_000, 40_000, kind="u2")
    level, alpha = (int(scale(np.array(value), 0, 65_535)) for value in (30_000, 40_000))
    shown = shown_pixel(png_file(samples, GREY_ALPHA, 16))
    assert shown == pytest.approx((level, level, level, alpha), abs=1)
