"""Renditions and thumbnails: smaller copies that hold the picture and no metadata."""

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
_WITHOUT_ALPHA = ("jpeg",)


def resize_image(image: "Image.Image", rendition: Rendition) -> "Image.Image":
    """Fit a picture into a rendition's bounds; keep its proportions, never make it larger."""
    from PIL import Image

    ratio = min(rendition.max_width / image.width, rendition.max_height / image.height, 1.0)
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
    """Encode a picture without any metadata of the photo."""
    from PIL import Image

    if image_format in _WITHOUT_ALPHA and image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    target = io.BytesIO()
    options: dict[str, object] = {} if image_format == "png" else {"quality": quality}
    if image_format == "jpeg":
        options |= {"optimize": True, "progressive": True}
    image.save(target, image_format.upper(), **options, exif=b"", icc_profile=None)
    return target.getvalue()
