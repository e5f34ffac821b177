"""What Pillow makes of the depth of a PNG, and where that is not what the file says.

Source: https://www.w3.org/TR/png-3/#11tRNS
"""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workloads.images.strips import join_strips, split_strips

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

# What Pillow multiplies samples of two and four bits with.
_FACTORS = {"L;2": 85, "L;4": 17}
# Samples of 16 bits, of which Pillow keeps the high bytes; read so, it keeps the low ones.
_DEEP_RGB, _LOW_BYTES = "RGB;16B", "RGB;16L"
_DEEP_GREY_ALPHA = "LA;16B"


def read_key_alpha(image: "Image.Image") -> "Image.Image | None":
    """Make alpha of the transparent colour of an open PNG, where Pillow cannot.

    Called before the pixels are decoded. Where Pillow can, the colour is brought to the depth of
    the pixels, and None is returned.
    """
    if image.format != "PNG" or "transparency" not in image.info:
        return None
    raw_mode = _raw_mode(image)
    if image.mode == "I;16":
        key = image.info.pop("transparency")
        return _alpha(image.size, (strip == key for strip in split_strips(image)))
    if raw_mode == _DEEP_RGB:
        return _deep_alpha(image, image.info.pop("transparency"))
    _fit_key(image, raw_mode)
    return None


def png_mode(image: "Image.Image") -> str:
    """The mode that an open picture has in truth: Pillow makes RGBA of deep grey with alpha."""
    is_grey = image.format == "PNG" and _raw_mode(image) == _DEEP_GREY_ALPHA
    return "LA" if is_grey else image.mode


def _raw_mode(image: Any) -> str:
    return str(image.tile[0].args) if image.tile else ""


def _fit_key(image: "Image.Image", raw_mode: str) -> None:
    """Bring the colour to eight bits; those above the depth of the pixels are to be ignored."""
    key = image.info["transparency"]
    if image.mode == "RGB":
        image.info["transparency"] = tuple(value & 255 for value in key)
    elif image.mode == "L":
        factor = _FACTORS.get(raw_mode, 1)
        image.info["transparency"] = (key & 255 // factor) * factor


def _deep_alpha(image: "Image.Image", key: tuple[int, ...]) -> "Image.Image":
    """Compare all 16 bits: the picture is decoded a second time, for its low bytes."""
    from PIL import Image

    source: Any = image
    high_key, low_key = [value >> 8 for value in key], [value & 255 for value in key]
    with Image.open(io.BytesIO(source.fp.getvalue()), formats=["PNG"]) as copy:
        low: Any = copy
        low.tile = [tile._replace(args=_LOW_BYTES) for tile in low.tile]
        pairs = zip(split_strips(image), split_strips(low), strict=True)
        masks = (
            ((high_bytes == high_key) & (low_bytes == low_key)).all(axis=2)
            for high_bytes, low_bytes in pairs
        )
        return _alpha(image.size, masks)


def _alpha(size: tuple[int, int], masks: "Iterable[np.ndarray]") -> "Image.Image":
    """Make alpha that is 0 where a mask is set."""
    import numpy as np

    return join_strips(size, (np.where(mask, 0, 255).astype(np.uint8) for mask in masks))
