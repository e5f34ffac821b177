"""A very large picture is made smaller first; what is made of it looks the same."""

import numpy as np
import pytest
from PIL import Image

from workloads.images import reduction
from workloads.images.reduction import find_factor, reduce_large

SIZE = 211, 157
ENOUGH = 50, 50


@pytest.fixture
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "LARGE_PIXELS", 1000)
    monkeypatch.setattr(reduction, "_STRIP_PIXELS", 2000)


def picture(mode: str) -> Image.Image:
    """A picture with a gradient in each band."""
    width, height = SIZE
    across = np.linspace(0, 255, width, dtype=np.uint8)[None, :].repeat(height, 0)
    down = np.linspace(0, 255, height, dtype=np.uint8)[:, None].repeat(width, 1)
    bands = np.stack([across, down, 255 - across, 255 - down // 2], axis=2)
    whole = Image.fromarray(bands, "RGBA")
    return whole if mode == "RGBA" else whole.convert("RGB").convert(mode)


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
def test_it_is_what_pillow_makes_of_the_whole(mode: str):
    image = picture(mode)
    plain = image.convert({"1": "L", "P": "RGB"}.get(mode, mode))
    reduced = reduce_large(image, mode, ENOUGH)
    assert reduced.size == (-(-SIZE[0] // 3), -(-SIZE[1] // 3))
    assert np.array_equal(np.asarray(reduced), np.asarray(plain.reduce(3)))


@pytest.mark.usefixtures("_large")
def test_its_profile_comes_along():
    image = picture("RGB")
    image.info["icc_profile"] = b"profile"
    assert reduce_large(image, "RGB", ENOUGH).info == {"icc_profile": b"profile"}


@pytest.mark.usefixtures("_large")
def test_grey_with_alpha_that_is_decoded_as_colours_becomes_grey():
    image = picture("RGBA")
    reduced = reduce_large(image, "LA", ENOUGH)
    assert np.array_equal(np.asarray(reduced), np.asarray(image.convert("LA").reduce(3)))


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("enough", [(211, 157), (106, 50), (50, 79)])
def test_what_would_not_suffice_stays_as_it_is(enough: tuple[int, int]):
    image = picture("RGB")
    assert find_factor(image, enough) == 1
    assert reduce_large(image, "RGB", enough) is image


@pytest.mark.usefixtures("_large")
def test_a_colour_that_is_transparent_is_kept_apart():
    image = picture("RGB")
    image.info["transparency"] = (0, 0, 255)
    assert reduce_large(image, "RGB", ENOUGH) is image


def test_a_usual_photo_is_used_as_it_is():
    image = Image.new("L", (6000, 4000))
    assert reduce_large(image, "L", ENOUGH) is image
