"""Renditions and thumbnails: smaller copies that hold the picture and no metadata."""

import io
from typing import TYPE_CHECKING

from fanout.printable import describe_error
from workloads.images.errors import PILLOW_ERRORS, EncodingError
from workloads.images.parameters import UNBOUNDED, ImageFormat, Rendition, Thumbnail

if TYPE_CHECKING:
    from PIL import Image

MEDIA_TYPES: dict[ImageFormat, str] = {
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "png": "image/png",
}
# The longest sides of WebP (https://developers.google.com/speed/webp/faq) and of libjpeg
# (JPEG_MAX_DIMENSION in jmorecfg.h); the others take more than a rendition has.
MAX_SIDES: dict[ImageFormat, int] = {"webp": 16_383, "jpeg": 65_500}
WITHOUT_ALPHA = ("jpeg",)


def resize_image(image: "Image.Image", rendition: Rendition) -> "Image.Image":
    """Fit a picture into a rendition's bounds and those of its format; never make it larger.

    Its proportions are kept.
    """
    from PIL import Image

    limit = MAX_SIDES.get(rendition.format, UNBOUNDED)
    max_width, max_height = min(rendition.max_width, limit), min(rendition.max_height, limit)
    ratio = min(max_width / image.width, max_height / image.height, 1.0)
    if ratio == 1.0:
        return image
    size = max(1, round(image.width * ratio)), max(1, round(image.height * ratio))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def crop_square(image: "Image.Image", thumbnail: Thumbnail) -> "Image.Image":
    """Cut the square out of a picture's middle, at a thumbnail's size."""
    from PIL import Image, ImageOps

    size = (thumbnail.size, thumbnail.size)
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def encode_image(image: "Image.Image", image_format: ImageFormat, quality: int) -> bytes:
    """Encode a picture without any metadata of the photo.

    Raises:
        EncodingError: The format does not take it.
    """
    target = io.BytesIO()
    options: dict[str, object] = {} if image_format == "png" else {"quality": quality}
    if image_format == "jpeg":
        options |= {"optimize": True, "progressive": True}
    try:
        image.save(target, image_format.upper(), **options, exif=b"", icc_profile=None)
    except PILLOW_ERRORS as error:
        size = f"{image.width} x {image.height} pixels"
        raise EncodingError(
            f"{size} cannot be written as {image_format}: {describe_error(error)}"
        ) from error
    return target.getvalue()
