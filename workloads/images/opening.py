"""Open a picture: its head alone is read, and its limits are checked."""

import io
from typing import TYPE_CHECKING

from fanout.errors import PermanentError
from workloads.images.errors import (
    PILLOW_ERRORS,
    CorruptImageError,
    ImageTooLargeError,
    NotAnImageError,
    TruncatedImageError,
    error_of_head,
)
from workloads.images.formats.bmp import prepare_bmp
from workloads.images.formats.png_text import drop_text
from workloads.images.formats.tiff import tile_pixels
from workloads.images.formats.tiff_directory import find_missing_tag
from workloads.images.parameters import MIB, ImageLimits

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"]
# A colour profile is inflated to no more; those of printers have two or three MiB.
MAX_PROFILE_BYTES = 16 * MIB
# A tile of so many pixels is no bomb, even where photos may have fewer.
_USUAL_TILE_PIXELS = 4096 * 4096
_MAGIC_BYTES = 16


def open_image(data: bytes, limits: ImageLimits) -> "Image.Image":
    """Read the head of a picture, and none of its pixels.

    Raises:
        NotAnImageError: The bytes are no picture.
        TruncatedImageError: It ends within the head.
        CorruptImageError: The head is broken.
        UnsupportedImageError: Pictures of its kind cannot be read.
        ImageTooLargeError: It has too many pixels.
    """
    from PIL import UnidentifiedImageError

    if not data:
        raise NotAnImageError("the blob is empty")
    data = drop_text(data)
    try:
        image = _open(data)
    except UnidentifiedImageError as error:
        raise _unidentified_error(data) from error
    except PILLOW_ERRORS as error:
        raise error_of_head(error) from error
    _check_pixels(image, limits)
    if image.format == "TIFF" and (missing := find_missing_tag(data)):
        raise TruncatedImageError(f"it ends before {missing}")
    prepare_bmp(image, data)
    return image


def _open(data: bytes) -> "Image.Image":
    from PIL import Image, PngImagePlugin, TiffImagePlugin

    # Our limit is checked below: Pillow's own would refuse with another error.
    Image.MAX_IMAGE_PIXELS = None
    # The limit of texts is that of profiles, too; texts are dropped before.
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES
    # Pillow itself reads planes of 16 bits and subsampled YCbCr wrongly where nothing is
    # compressed; libtiff reads them right.
    TiffImagePlugin.READ_LIBTIFF = True
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _check_pixels(image: "Image.Image", limits: ImageLimits) -> None:
    pixels = image.width * image.height
    if pixels == 0:
        raise CorruptImageError(f"it has {image.width} x {image.height} pixels")
    if pixels > limits.max_pixels:
        raise ImageTooLargeError(
            f"it has {image.width} x {image.height} pixels; {limits.max_pixels:,} are allowed"
        )
    tile, allowed = tile_pixels(image), max(limits.max_pixels, _USUAL_TILE_PIXELS)
    if tile > allowed:
        raise ImageTooLargeError(f"its tiles have {tile:,} pixels; {allowed:,} are allowed")


def _unidentified_error(data: bytes) -> PermanentError:
    """Say why a file is no picture: Pillow names no reason where its format refused it."""
    from PIL import Image

    for name in FORMATS:
        factory, is_acceptable = Image.OPEN[name]
        if is_acceptable is None or is_acceptable(data[:_MAGIC_BYTES]) is not True:
            continue
        try:
            factory(io.BytesIO(data), "")
        except PILLOW_ERRORS as error:
            return error_of_head(error)
    return NotAnImageError(f"it is none of {', '.join(FORMATS)}")
