"""Make a large picture smaller strip by strip, before anything makes a copy of it."""

from typing import TYPE_CHECKING

from workloads.images.depth import is_deep

if TYPE_CHECKING:
    from PIL import Image

# Smaller pictures are used as they are: copies of them are small, and resampled once.
LARGE_PIXELS = 32_000_000
_STRIP_PIXELS = 1_000_000
# As what a strip is reduced; other modes are no plain colours of eight bits.
_MODES = {
    **{mode: mode for mode in ("L", "LA", "RGB", "RGBA", "CMYK")},
    **{"1": "L", "P": "RGB"},
}


def find_factor(image: "Image.Image", sufficient_size: tuple[int, int]) -> int:
    """By how much an open picture may be smaller and still suffice; 1 leaves it as it is."""
    is_large = image.width * image.height > LARGE_PIXELS
    # A transparent colour is none any more beside others; a picture of a palette says it apart.
    is_plain = image.mode in _MODES and "transparency" not in image.info
    if not is_large or not is_plain or is_deep(image):
        return 1
    return max(1, min(image.width // sufficient_size[0], image.height // sufficient_size[1]))


def reduce_large(
    image: "Image.Image", mode: str, sufficient_size: tuple[int, int]
) -> "Image.Image":
    """Give the pixels of a decoded picture in a mode, as few of them as suffice if it is large.

    Args:
        image: The picture.
        mode: That of the pixels, as the file means them.
        sufficient_size: Width and height that suffice for what is made of it.
    """
    from PIL import Image

    factor = find_factor(image, sufficient_size)
    if factor == 1:
        return image.convert(mode) if mode != image.mode else image
    width, height = image.size
    size = -(-width // factor), -(-height // factor)
    reduced = Image.new(_MODES[mode], size)
    rows = max(1, _STRIP_PIXELS // width // factor) * factor
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        reduced.paste(strip.convert(_MODES[mode]).reduce(factor), (0, top // factor))
    reduced.info = dict(image.info)
    return reduced
