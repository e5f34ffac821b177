"""How much memory photos take while they are decoded, and room for no more of them than fit.

A photo of a few kilobytes may have a hundred million pixels, and each step from its pixels to a
rendition has a copy of them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from fanout.adapters.settings import max_batch_memory
from fanout.memory import Memory
from workloads.images.errors import ImageTooLargeError
from workloads.images.formats.jpeg import has_several_scans
from workloads.images.reduction import find_factor

if TYPE_CHECKING:
    from PIL import Image

# A worker has about four times the memory of a batch at its peak.
_SHARE = 4
# What there is at a time of a pixel, in bytes: as it is decoded, as grey or in sRGB, and turned.
# Pillow keeps one of several bands in four bytes, a deep one in two or four, and others in one.
_MODE_BYTES = {
    **{"1": 3, "L": 3, "P": 9, "RGB": 8, "YCbCr": 8, "CMYK": 12, "LAB": 12},
    **{"I;16": 4, "I;16B": 4, "I;16L": 4, "I;16N": 4, "I": 6, "F": 6},
}
# Colours and alpha are taken apart and joined, and put on white.
_ALPHA_BYTES = 21
# What is made by a profile is another picture, and so is it once it is turned.
_PROFILE_BYTES = 8
# Of a picture that is made smaller strip by strip: as it is decoded, and little else.
_REDUCED_BYTES = 5
# Of decoders that have the whole picture for themselves.
_DECODER_BYTES = {"WEBP": 12, "AVIF": 8}
# An MPO is a JPEG with more pictures behind it, of which none is decoded.
_JPEGS = ("JPEG", "MPO")
_COEFFICIENT_BYTES = 2
_DRAFT_SCALES = (8, 4, 2, 1)


class Room:
    """Memory for photos, which those that are at work share.

    Args:
        size: How many bytes there are.
        most: How many photos may be at work.
    """

    def __init__(self, size: int, most: int) -> None:
        self._memory, self._places = Memory(size), BoundedSemaphore(most)

    @contextmanager
    def place(self, size: int) -> Iterator[None]:
        """Wait until there is room for a photo, and hold it.

        Raises:
            ImageTooLargeError: There never is.
        """
        if size > self._memory.capacity:
            raise ImageTooLargeError(
                f"decoded, it takes about {size:,} bytes of memory; "
                f"{self._memory.capacity:,} are allowed (FANOUT_MAX_BATCH_MEMORY)"
            )
        with self._places, self._memory.hold(size):
            yield


@lru_cache(maxsize=1)
def room_of_process() -> Room:
    """The room of this process: for a photo by each core, as large as the settings say."""
    return Room(_SHARE * max_batch_memory(os.environ), os.cpu_count() or 1)


def estimate_bytes(image: "Image.Image", sufficient_size: tuple[int, int]) -> int:
    """Estimate what it takes to make pictures of an open one, before it is decoded.

    Args:
        image: What `open_image` returned.
        sufficient_size: Width and height that suffice for what is made of it.
    """
    pixels = image.width * image.height
    if image.format in _JPEGS:
        drafted = pixels // _draft_scale(image.size, sufficient_size) ** 2
        return drafted * _pixel_bytes(image, sufficient_size) + pixels * _coefficient_bytes(image)
    return pixels * (
        _DECODER_BYTES.get(image.format or "", 0) + _pixel_bytes(image, sufficient_size)
    )


def _pixel_bytes(image: "Image.Image", sufficient_size: tuple[int, int]) -> int:
    if find_factor(image, sufficient_size) > 1 and image.format not in _JPEGS:
        return _REDUCED_BYTES
    has_alpha = "transparency" in image.info
    own = _ALPHA_BYTES if has_alpha else _MODE_BYTES.get(image.mode, _ALPHA_BYTES)
    return own + (_PROFILE_BYTES if "icc_profile" in image.info else 0)


def _coefficient_bytes(image: Any) -> int:
    """What a decoder of JPEG has of each pixel where a picture comes in several scans."""
    is_kept = has_several_scans(image.fp.getvalue())
    return _COEFFICIENT_BYTES * len(image.getbands()) if is_kept else 0


def _draft_scale(size: tuple[int, int], sufficient_size: tuple[int, int]) -> int:
    """By how much a JPEG is decoded smaller than it is, as `Image.draft` chooses it."""
    least = min(side // enough for side, enough in zip(size, sufficient_size, strict=True))
    return next((scale for scale in _DRAFT_SCALES if scale <= least), 1)
