"""Scale samples to 8 bits by the range that they really have."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from workloads.images.errors import UnsupportedImageError
from workloads.images.formats.tiff import Samples, read_samples
from workloads.images.strips import join_strips, split_strips

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_LEVELS = 255
# What arithmetic may add to 0..1: half of one level.
_FLOAT_MARGIN = 0.5 / _LEVELS
_NO_RANGE = "SMinSampleValue and SMaxSampleValue do not say which are black and white"


def is_deep(image: "Image.Image") -> bool:
    """Whether the samples of a picture are no plain 8 bits."""
    if image.mode in _DEEP_MODES:
        return True
    return image.mode == "L" and image.format == "TIFF" and read_samples(image).is_signed


def reduce_depth(image: "Image.Image") -> "Image.Image":
    """Scale deep samples to 8 bits of grey.

    Unsigned integers go from 0 to the most that their bits hold, and floats from 0 to 1. Other
    floats, integers of 32 bits, and signed ones go from SMinSampleValue to SMaxSampleValue. Where
    these are not told, TIFF has the limits of the type (TIFF 6.0, section 19); that counts only for
    32 bits without sign, and where the brightest is in the upper half: nobody means a picture that
    is all black, and many files that call their samples signed have others.

    Raises:
        UnsupportedImageError: Nobody can tell which samples are black and white.
    """
    samples = read_samples(image)
    numbers = _number_reader(image, samples)
    black, white = _find_range(image, samples, numbers)
    if samples.is_white_zero:
        black, white = white, black
    levels = _scale(black, white)
    return join_strips(image.size, (levels(numbers(strip)) for strip in split_strips(image)))


def _number_reader(image: "Image.Image", samples: Samples) -> "Callable[[np.ndarray], np.ndarray]":
    """Give the samples of a strip the type that the file has: Pillow knows fewer types."""
    import numpy as np

    if image.mode == "L":
        return lambda strip: strip.view(np.int8)
    if image.mode == "I" and not samples.is_signed:
        return lambda strip: strip.view(np.uint32)
    return lambda strip: strip


def _find_range(
    image: "Image.Image", samples: Samples, numbers: "Callable[[np.ndarray], np.ndarray]"
) -> tuple[float, float]:
    if not samples.is_float and not samples.is_signed and samples.bits <= 16:
        return 0, 2**samples.bits - 1
    least, most = _extremes(image, numbers)
    if samples.black is not None and samples.white is not None:
        return samples.black, samples.white
    if samples.is_float and least >= -_FLOAT_MARGIN and most <= 1 + _FLOAT_MARGIN:
        return 0, 1
    full = 2**samples.bits - 1
    if not samples.is_float and not samples.is_signed and 2 * most > full:
        return 0, full
    raise UnsupportedImageError(f"its samples go from {least:.6g} to {most:.6g}; {_NO_RANGE}")


def _extremes(
    image: "Image.Image", numbers: "Callable[[np.ndarray], np.ndarray]"
) -> tuple[float, float]:
    import numpy as np

    least, most = np.inf, -np.inf
    for strip in split_strips(image):
        values = numbers(strip)
        if not np.isfinite(values).all():
            raise UnsupportedImageError("some of its samples are no finite numbers")
        least, most = min(least, float(values.min())), max(most, float(values.max()))
    return least, most


def _scale(black: float, white: float) -> "Callable[[np.ndarray], np.ndarray]":
    import numpy as np

    def scale(values: "np.ndarray") -> "np.ndarray":
        scaled = (values.astype(np.float64) - black) * (_LEVELS / (white - black))
        return np.rint(np.clip(scaled, 0, _LEVELS)).astype(np.uint8)

    table = scale(np.arange(2**16))

    def look_up(values: "np.ndarray") -> "np.ndarray":
        is_short = values.dtype.kind == "u" and values.dtype.itemsize == 2
        return table[values] if is_short else scale(values)

    return look_up
