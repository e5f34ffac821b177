"""Go through a picture by strips of rows, so that arithmetic needs little memory beside it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

STRIP_PIXELS = 1_000_000


def split_strips(image: "Image.Image") -> "Iterator[np.ndarray]":
    """The samples of a picture, strip by strip from the top."""
    import numpy as np

    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))


def join_strips(size: tuple[int, int], strips: "Iterable[np.ndarray]") -> "Image.Image":
    """Make a grey picture of strips of 8 bits."""
    from PIL import Image

    grey, top = Image.new("L", size), 0
    for strip in strips:
        grey.paste(Image.fromarray(strip), (0, top))
        top += len(strip)
    return grey
