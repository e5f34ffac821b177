"""Samples of any depth keep their brightness, or the picture is refused."""

import numpy as np
import pytest

from tests.support.pictures.files import even, picture_of, process_whole, shown_pixel
from tests.support.pictures.png import GREY, png_file
from tests.support.pictures.reference import scale
from tests.support.pictures.tiff import (
    BLACK_IS_ZERO,
    S_MAX_SAMPLE_VALUE,
    S_MIN_SAMPLE_VALUE,
    WHITE_IS_ZERO,
    Layout,
    tiff_file,
)
from workloads.images.errors import UnsupportedImageError
from workloads.images.strips import STRIP_PIXELS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def ramp(low: float, high: float, kind: str) -> "np.ndarray":
    return np.linspace(low, high, 256).reshape(16, 16, 1).astype(kind)


def shown(samples: "np.ndarray", layout: Layout) -> "np.ndarray":
    picture = picture_of(process_whole(tiff_file(samples, layout)))
    assert picture.mode == "L"
    return np.asarray(picture).astype(int)


def with_range(black: float, white: float, **more: object) -> Layout:
    limits = {S_MIN_SAMPLE_VALUE: ("d", (black,)), S_MAX_SAMPLE_VALUE: ("d", (white,))}
    return Layout(BLACK_IS_ZERO, fields=limits, **more)  # type: ignore[arg-type]


def assert_shown(samples: "np.ndarray", layout: Layout, black: float, white: float) -> None:
    wanted = scale(samples, black, white)[:, :, 0].astype(int)
    assert np.abs(shown(samples, layout) - wanted).max() <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_deflated", [False, True])
def test_float_tiff_of_one_half_is_mid_grey(order: str, is_deflated: bool) -> None:
    layout = Layout(BLACK_IS_ZERO, order, is_deflated=is_deflated)
    assert shown_pixel(tiff_file(even(0.5, kind="f4"), layout))[0] in (127, 128)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_deflated", [False, True])
def test_floats_from_0_to_1_keep_their_brightness(order: str, is_deflated: bool) -> None:
    assert_shown(ramp(0, 1, "f4"), Layout(BLACK_IS_ZERO, order, is_deflated=is_deflated), 0, 1)


def test_floats_are_scaled_by_the_range_that_the_file_tells() -> None:
    assert_shown(ramp(-500, 9000, "f4"), with_range(-1000, 10_000), -1000, 10_000)


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (ramp(0, 255, "f4"), "its samples go from 0 to 255"),
        (ramp(-3, 1, "f4"), "its samples go from -3 to 1"),
        (even(np.nan, kind="f4"), "no finite numbers"),
        (even(np.inf, kind="f4"), "no finite numbers"),
        (ramp(-100, 100, "i2"), "its samples go from -100 to 100"),
        (ramp(0, 30_000, "i4"), "its samples go from 0 to 30000"),
        (ramp(0, 65_535, "u4"), "its samples go from 0 to 65535"),
        (ramp(0, 2**31 - 1, "u4"), r"its samples go from 0 to 2.14748e\+09"),
        (ramp(0, 32_767, "i2"), "its samples go from 0 to 32767"),
        (ramp(-32_768, 32_767, "i2"), "its samples go from -32768 to 32767"),
        (ramp(-128, 127, "i1"), "its samples go from -128 to 127"),
        (even(-7, kind="i1"), "its samples go from -7 to -7"),
    ],
)
def test_samples_without_a_known_white_are_refused(samples: "np.ndarray", text: str) -> None:
    with pytest.raises(UnsupportedImageError, match=text):
        process_whole(tiff_file(samples, Layout(BLACK_IS_ZERO)))


def test_a_range_that_is_none_counts_as_untold() -> None:
    for black, white in ((5, 5), (9, 1), (float("nan"), 1), (0, float("inf"))):
        with pytest.raises(UnsupportedImageError, match="do not say"):
            process_whole(tiff_file(ramp(0, 255, "f4"), with_range(black, white)))


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "u4"])
def test_integers_are_scaled_by_the_range_that_the_file_tells(kind: str) -> None:
    low = 0 if kind == "u4" else -100
    assert_shown(ramp(low, 100, kind), with_range(low, 110), low, 110)


def test_32_bits_without_sign_that_go_up_to_white_are_scaled_by_all_of_them() -> None:
    assert_shown(ramp(0, 2**32 - 1, "u4"), Layout(BLACK_IS_ZERO), 0, 2**32 - 1)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_deflated", [False, True])
def test_16_bit_tiffs_of_both_byte_orders_keep_their_brightness(
    order: str, is_deflated: bool
) -> None:
    layout = Layout(BLACK_IS_ZERO, order, is_deflated=is_deflated)
    assert_shown(ramp(0, 65_535, "u2"), layout, 0, 65_535)


def test_dark_pictures_of_16_bits_stay_dark() -> None:
    samples = ramp(0, 4095, "u2")
    wanted = scale(samples, 0, 65_535)[:, :, 0].astype(int)
    for data in (tiff_file(samples, Layout(BLACK_IS_ZERO)), png_file(samples, GREY, 16)):
        pixels = np.asarray(picture_of(process_whole(data))).astype(int)
        assert np.abs(pixels - wanted).max() <= 1


def test_12_bits_go_from_0_to_4095() -> None:
    assert_shown(ramp(0, 4095, "u2"), Layout(BLACK_IS_ZERO, bits=12), 0, 4095)


@pytest.mark.parametrize(("kind", "white"), [("u1", 255), ("u2", 65_535), ("f4", 1)])
def test_white_is_zero_where_the_file_says_so(kind: str, white: int) -> None:
    assert_shown(ramp(0, white, kind), Layout(WHITE_IS_ZERO), white, 0)


@pytest.mark.parametrize("bands", [3, 4])
def test_16_bits_in_planes_keep_their_colours(bands: int) -> None:
    from tests.support.pictures.tiff import RGB, UNASSOCIATED_ALPHA

    samples = even(*(50_000, 20_000, 5_000, 40_000)[:bands], kind="u2")
    extra = (UNASSOCIATED_ALPHA,) * (bands - 3)
    for order in "<>":
        layout = Layout(RGB, order, extra_samples=extra, is_planar=True)
        wanted = tuple(scale(samples, 0, 65_535)[0, 0])
        assert shown_pixel(tiff_file(samples, layout))[:bands] == pytest.approx(wanted, abs=1)


def test_a_picture_of_many_strips_is_joined_in_order() -> None:
    side = int((3 * STRIP_PIXELS) ** 0.5)
    column = np.linspace(0, 65_535, side).astype("u2")
    samples = np.repeat(column[:, None, None], side, axis=1)
    assert_shown(samples, Layout(BLACK_IS_ZERO), 0, 65_535)
