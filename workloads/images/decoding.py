"""Decode an open picture to upright pixels in sRGB."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workloads.images.errors import PILLOW_ERRORS, ImageTooLargeError, error_of_pixels
from workloads.images.formats.png_depth import png_mode, read_key_alpha
from workloads.images.formats.tiff import prepare_tiff
from workloads.images.formats.tiff_directory import Directories, count_directories
from workloads.images.orientation import read_orientation, turn_upright, upright_size
from workloads.images.reduction import reduce_large
from workloads.images.srgb import convert_to_srgb

if TYPE_CHECKING:
    from PIL import Image

# Of a TIFF: a scanned book has some hundred pages with a dozen tags each.
MOST_DIRECTORIES = Directories(pages=10_000, tags=200_000)


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
        ImageTooLargeError: They would be counted for too long.
    """
    _check_pages(image)
    try:
        return int(getattr(image, "n_frames", 1))
    except PILLOW_ERRORS as error:
        raise error_of_pixels(error) from error


def _check_pages(image: Any) -> None:
    """Refuse pages without end: Pillow compares the place of each with all places before."""
    if image.format != "TIFF":
        return
    found, most = count_directories(image.fp.getvalue(), MOST_DIRECTORIES), MOST_DIRECTORIES
    if found.pages > most.pages or found.tags > most.tags:
        raise ImageTooLargeError(
            f"it has more than {most.pages:,} pages, or {most.tags:,} tags of pages"
        )
