"""What is measured of a photo: its colours, and a perceptual hash."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

SAMPLE_PIXELS = 64


def dominant_colours(image: "Image.Image", count: int) -> list[Mapping[str, Any]]:
    """The most frequent colours of a picture: ``#rrggbb`` and its share, the largest first."""
    from PIL import Image

    sample = image.convert("RGB").resize((SAMPLE_PIXELS, SAMPLE_PIXELS), Image.Resampling.BOX)
    indexed = sample.quantize(count, Image.Quantize.MEDIANCUT)
    palette = indexed.getpalette() or []
    total = SAMPLE_PIXELS * SAMPLE_PIXELS
    counts = sorted(((count, index) for count, index in indexed.getcolors() or []), reverse=True)
    return [
        {"hex": _hex_colour(palette, index), "share": round(pixels / total, 4)}
        for pixels, index in counts
        if isinstance(index, int)
    ]


def _hex_colour(palette: list[int], index: int) -> str:
    return "#" + bytes(palette[3 * index : 3 * index + 3]).hex()


def difference_hash(image: "Image.Image") -> str:
    """A hash of 64 bits as 16 hex digits; pictures that look alike differ in few bits.

    Each bit is 1 where a pixel of a copy of 9 x 8 is brighter than its right neighbour.
    Source: http://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    from PIL import Image

    pixels = image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            position = row * 9 + column
            bits = bits << 1 | (pixels[position] > pixels[position + 1])
    return f"{bits:016x}"
