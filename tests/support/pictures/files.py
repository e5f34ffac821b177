"""Small pictures as files, and what the product makes of them."""

import io
from typing import Any

import numpy as np
from PIL import Image

from workloads.images.parameters import ImageParameters, Rendition
from workloads.images.photo import PhotoResult, process_photo

WHOLE = Rendition(format="png")


def image_file(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture as Pillow writes it."""
    target = io.BytesIO()
    image.save(target, file_format, **options)
    return target.getvalue()


def even(*bands: float, size: int = 16, kind: str = "u1") -> "np.ndarray":
    """Samples that are the same everywhere."""
    return np.full((size, size, len(bands)), bands, dtype=kind)


def process_whole(data: bytes) -> PhotoResult:
    """Make a rendition that has every pixel."""
    return process_photo(data, ImageParameters(renditions=[WHOLE]))


def picture_of(result: PhotoResult, rendition: Rendition = WHOLE) -> Image.Image:
    """Open a rendition."""
    (content,) = (file.content for file in result.files if file.name == rendition.file_name)
    return Image.open(io.BytesIO(content))


def shown_pixel(data: bytes, place: tuple[int, int] = (5, 5)) -> tuple[int, ...]:
    """What a pixel of a file becomes: red, green, blue and alpha."""
    pixel = picture_of(process_whole(data)).convert("RGBA").getpixel(place)
    assert isinstance(pixel, tuple)
    return tuple(map(int, pixel))
