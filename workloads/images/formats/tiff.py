"""What a TIFF says of its samples, and what Pillow makes wrong pictures of.

Source: TIFF 6.0, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workloads.images.errors import UnsupportedImageError

if TYPE_CHECKING:
    from PIL import Image

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR_CONFIGURATION = 258, 262, 284
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_SAMPLE_FORMAT, _S_MIN_SAMPLE_VALUE, _S_MAX_SAMPLE_VALUE = 339, 340, 341
_WHITE_IS_ZERO = 0
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_SEPARATE_PLANES = 2
# libtiff gives the samples of two bands or of Lab plane by plane, and Pillow mixes them up.
_MIXED_UP_MODES = ("LA", "La", "PA", "LAB")
# libtiff gives samples in the order of the machine; of these Pillow expects that of the file.
_NATIVE_RAW_MODES = {"F;32BF": "F;32NF", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}


@dataclass(frozen=True)
class Samples:
    """How the samples of a picture are to be read.

    Attributes:
        bits: Of one sample.
        format: Unsigned, signed or float, as SampleFormat numbers them.
        is_white_zero: Whether small samples are bright.
        black, white: What SMinSampleValue and SMaxSampleValue say, if they do.
    """

    bits: int = 16
    format: int = _UNSIGNED
    is_white_zero: bool = False
    black: float | None = None
    white: float | None = None

    @property
    def is_signed(self) -> bool:
        """Whether they are integers that may be negative."""
        return self.format == _SIGNED

    @property
    def is_float(self) -> bool:
        """Whether they are no integers."""
        return self.format == _FLOAT


def read_samples(image: "Image.Image") -> Samples:
    """Read how the samples of an open picture are to be read; 16 bits where it is no TIFF."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return Samples()
    black, white = _number(tags, _S_MIN_SAMPLE_VALUE), _number(tags, _S_MAX_SAMPLE_VALUE)
    has_range = black is not None and white is not None and black < white
    return Samples(
        bits=int(_number(tags, _BITS_PER_SAMPLE) or 1),
        format=int(_number(tags, _SAMPLE_FORMAT) or _UNSIGNED),
        is_white_zero=tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO,
        black=black if has_range else None,
        white=white if has_range else None,
    )


def tile_pixels(image: "Image.Image") -> int:
    """How many pixels one tile of an open picture has; 0 where it has none."""
    tags = getattr(image, "tag_v2", {})
    return int((_number(tags, _TILE_WIDTH) or 0) * (_number(tags, _TILE_LENGTH) or 0))


def prepare_tiff(image: "Image.Image") -> None:
    """Have an open TIFF decoded rightly, before its pixels are read; others stay as they are.

    Raises:
        UnsupportedImageError: Pillow would decode it wrongly.
    """
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return
    if tags.get(_PLANAR_CONFIGURATION) == _SEPARATE_PLANES and image.mode in _MIXED_UP_MODES:
        raise UnsupportedImageError(f"a TIFF of mode {image.mode} in planes cannot be read")
    image.tile = [_native_tile(tile) for tile in image.tile]  # type: ignore[attr-defined]


def _native_tile(tile: Any) -> Any:
    if tile.codec_name != "libtiff":
        return tile
    raw_mode, *rest = tile.args
    return tile._replace(args=(_NATIVE_RAW_MODES.get(raw_mode, raw_mode), *rest))


def _number(tags: Any, tag: int) -> float | None:
    """The first value of a tag, if it is a finite number."""
    value = tags.get(tag)
    first = value[0] if isinstance(value, tuple) and value else value
    try:
        number = float(first)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) else None
