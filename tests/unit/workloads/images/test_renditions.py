"""Renditions fit their bounds, and those that their format has."""

import pytest
from PIL import Image

from tests.support.pictures.files import image_file, picture_of
from workloads.images.errors import EncodingError
from workloads.images.parameters import ImageFormat, ImageParameters, Rendition
from workloads.images.photo import process_photo
from workloads.images.renditions import MAX_SIDES, encode_image, resize_image


@pytest.mark.parametrize(("width", "height"), [(16, 20_000), (20_000, 16), (3, 16_384)])
@pytest.mark.parametrize("image_format", ["webp", "jpeg", "png", "avif"])
def test_a_picture_that_is_longer_than_its_format_allows_is_fitted(
    image_format: ImageFormat, width: int, height: int
) -> None:
    rendition = Rendition(max_width=16_384, format=image_format)
    data = image_file(Image.new("RGB", (width, height), "red"))
    result = process_photo(data, ImageParameters(renditions=[rendition]))
    longest = 16_383 if image_format == "webp" else 16_384
    assert max(picture_of(result, rendition).size) == longest
    assert max(result.files[0].width, result.files[0].height) == longest
    assert max(result.metadata["width"], result.metadata["height"]) == max(width, height)


def test_the_longest_sides_are_those_that_the_encoders_take() -> None:
    for image_format, side in MAX_SIDES.items():
        encode_image(Image.new("RGB", (side, 1)), image_format, 80)
        with pytest.raises(EncodingError, match=f"{side + 1} x 1 pixels cannot be written as"):
            encode_image(Image.new("RGB", (side + 1, 1)), image_format, 80)


def test_no_side_is_less_than_a_pixel() -> None:
    image = Image.new("RGB", (1, 9000))
    assert resize_image(image, Rendition(max_width=10, max_height=10)).size == (1, 10)
