"""Turn a picture upright.

Source: Exif 3.0, tag Orientation, https://www.cipa.jp/std/documents/download_e.html?CIPA_DC-008-2024-E
"""

from typing import TYPE_CHECKING

from workloads.images.errors import PILLOW_ERRORS

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION_TAG = 0x0112
# The orientations in which width and height change places.
_SIDEWAYS = (5, 6, 7, 8)
UPRIGHT = 1


def read_orientation(image: "Image.Image") -> int:
    """Read which side of a decoded picture is up: 1 to 8, and 1 if its EXIF is broken."""
    try:
        orientation = image.getexif().get(ORIENTATION_TAG, UPRIGHT)
    except PILLOW_ERRORS:
        return UPRIGHT
    is_valid = isinstance(orientation, int) and 1 <= orientation <= 8
    return orientation if is_valid else UPRIGHT


def turn_upright(image: "Image.Image", orientation: int) -> "Image.Image":
    """Turn or mirror a picture that was stored in an orientation."""
    from PIL.Image import Transpose

    transposition = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return image if transposition is None else image.transpose(transposition)


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The size that a picture of an orientation has upright."""
    width, height = size
    return (height, width) if orientation in _SIDEWAYS else (width, height)
