"""Decode an open picture to upright pixels in sRGB."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workloads.images.errors import PILLOW_ERRORS, error_of_pixels
from workloads.images.formats.png_depth import png_mode, read_key_alpha
from workloads.images.formats.tiff import prepare_tiff
from workloads.images.orientation import read_orientation, turn_upright, upright_size
from workloads.images.reduction import reduce_large
from workloads.images.srgb import convert_to_srgb

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class DecodedPhoto:
    """Pixels of a photo, and nothing else of its file.

    Attributes:
        picture: Upright, of mode L, RGB or RGBA; maybe smaller than the photo.
        width: Of the photo, upright.
        height: Of the photo, upright.
    """

    picture: "Image.Image"
    width: int
    height: int


def decode_image(image: "Image.Image", *, sufficient_size: tuple[int, int]) -> DecodedPhoto:
    """Decode an open picture, convert it to sRGB (or grey), and turn it upright.

    Args:
        image: What `open_image` returned.
        sufficient_size: Width and height that suffice: a JPEG, or a picture that is very large, may
            be decoded smaller than it is.

    Raises:
        TruncatedImageError: It ends before it should.
        CorruptImageError: Its pixels cannot be decoded.
        UnsupportedImageError: Its samples cannot be shown as they are meant.
    """
    stored_size = image.size
    try:
        prepare_tiff(image)
        mode, key_alpha = png_mode(image), read_key_alpha(image)
        draft = image.draft(None, sufficient_size)
        image.load()
        # A TIFF is turned as it is loaded, and then says that it is upright.
        size = stored_size if draft else image.size
        orientation = read_orientation(image)
        pixels = image if key_alpha else reduce_large(image, mode, sufficient_size)
        picture = turn_upright(convert_to_srgb(pixels, key_alpha), orientation)
    except PILLOW_ERRORS as error:
        raise error_of_pixels(error) from error
    picture.info = {}
    return DecodedPhoto(picture, *upright_size(size, orientation))


def count_frames(image: "Image.Image") -> int:
    """Count the frames or pages of an open picture.

    Raises:
        TruncatedImageError: It ends before it should.
        CorruptImageError: They cannot be counted.
    """
    try:
        return int(getattr(image, "n_frames", 1))
    except PILLOW_ERRORS as error:
        raise error_of_pixels(error) from error
