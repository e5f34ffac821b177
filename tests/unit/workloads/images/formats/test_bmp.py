"""A BMP keeps what Pillow passes over: its colour profile, and that it has alpha."""

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures import profiles
from tests.support.pictures.bmp import MASKS_16, bmp_file
from tests.support.pictures.files import image_file, process_whole, shown_pixel
from workloads.images.errors import TruncatedImageError, UnsupportedImageError

GREEN = np.full((16, 16), 0x80_3C_B4_3C, "<u4")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("profile", "wanted"),
    [
        (profiles.ADOBE_RGB, (0, 181, 42, 128)),
        (profiles.DAMAGED, (60, 180, 60, 128)),
        (b"", (60, 180, 60, 128)),
    ],
)
def test_the_profile_of_a_bmp_counts_beside_its_alpha(
    profile: bytes, wanted: tuple[int, ...]
) -> None:
    assert shown_pixel(bmp_file(GREEN, profile=profile)) == wanted


def test_a_bmp_that_ends_within_its_profile_is_truncated() -> None:
    with pytest.raises(TruncatedImageError, match="colour profile"):
        process_whole(bmp_file(GREEN, profile=profiles.ADOBE_RGB)[:-1])


def test_alpha_of_16_bits_is_refused_for_it_would_be_lost() -> None:
    with pytest.raises(UnsupportedImageError, match="BMP of 16 bits with alpha"):
        process_whole(bmp_file(np.zeros((16, 16), "<u2"), MASKS_16))
    without_alpha = (*MASKS_16[:3], 0)
    assert shown_pixel(bmp_file(np.full((16, 16), 0x7FFF, "<u2"), without_alpha))[3] == 255


def test_a_short_bmp_is_a_picture() -> None:
    assert shown_pixel(image_file(Image.new("RGB", (1, 1), "red"), "BMP"), (0, 0))[0] == 255
