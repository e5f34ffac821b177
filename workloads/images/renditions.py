"""Renditions and thumbnails: smaller copies, with nothing in them but the picture."""

import io
from typing import TYPE_CHECKING

from workloads.images.parameters import ImageFormat, Rendition, Thumbnail

if TYPE_CHECKING:
    from PIL import Image

MEDIA_TYPES: dict[ImageFormat, str] = {
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "png": "image/png",
}
_OPAQUE = ("jpeg",)


def resized(image: "Image.Image", rendition: Rendition) -> "Image.Image":
    """Fit a picture into a rendition's pixels, its proportions kept; it is never made larger."""
    from PIL import Image

    ratio = min(rendition.max_width / image.width, rendition.max_height / image.height, 1.0)
    if ratio == 1.0:
        return image
    size = max(1, round(image.width * ratio)), max(1, round(image.height * ratio))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def squared(image: "Image.Image", thumbnail: Thumbnail) -> "Image.Image":
    """Cut the square out of a picture's middle, at a thumbnail's size."""
    from PIL import Image, ImageOps

    size = (thumbnail.size, thumbnail.size)
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def encoded(image: "Image.Image", to: ImageFormat, quality: int) -> bytes:
    """Encode a picture; metadata of the photo does not come along."""
    from PIL import Image

    if to in _OPAQUE and image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    target = io.BytesIO()
    options: dict[str, object] = {} if to == "png" else {"quality": quality}
    if to == "jpeg":
        options |= {"optimize": True, "progressive": True}
    image.save(target, to.upper(), **options, exif=b"", icc_profile=None)
    return target.getvalue()
