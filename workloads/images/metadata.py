"""What is told of a photo: size, camera data without the place, colours and a perceptual hash."""

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from workloads.images.decoding import BROKEN

if TYPE_CHECKING:
    from PIL import Image

MAX_TEXT_CHARACTERS = 200
SAMPLE_PIXELS = 64
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
# Told without the place: numbers of the body and the owner's name could tell who took it.
_TAGS = {
    "Make",
    "Model",
    "Software",
    "DateTime",
    "Orientation",
    "DateTimeOriginal",
    "OffsetTimeOriginal",
    "ExposureTime",
    "FNumber",
    "ISOSpeedRatings",
    "FocalLength",
    "FocalLengthIn35mmFilm",
    "Flash",
    "LensModel",
    "WhiteBalance",
}


def exif_of(image: "Image.Image", *, include_location: bool) -> dict[str, Any]:
    """Read the camera's data, none if it is broken; `GPS` is told only if it is asked for."""
    try:
        return _exif_of(image, include_location=include_location)
    except BROKEN:
        return {}


def _exif_of(image: "Image.Image", *, include_location: bool) -> dict[str, Any]:
    from PIL.ExifTags import GPSTAGS, TAGS

    exif = image.getexif()
    found = {**exif, **exif.get_ifd(_EXIF_IFD)}
    told = {TAGS.get(tag, ""): _plain(value) for tag, value in found.items()}
    kept = {name: value for name, value in told.items() if name in _TAGS and value is not None}
    if include_location and (gps := exif.get_ifd(_GPS_IFD)):
        kept["GPS"] = {GPSTAGS.get(tag, str(tag)): _plain(value) for tag, value in gps.items()}
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip("\0 ")[:MAX_TEXT_CHARACTERS]
    if isinstance(value, int):
        return value
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    try:
        number = float(Fraction(value.numerator, value.denominator))
    except (AttributeError, ZeroDivisionError, ValueError, TypeError):
        return None
    return round(number, 6)


def dominant_colours(image: "Image.Image", count: int) -> list[Mapping[str, Any]]:
    """The colours that most of a picture has: ``#rrggbb`` and their share, the largest first."""
    from PIL import Image

    small = image.convert("RGB").resize((SAMPLE_PIXELS, SAMPLE_PIXELS), Image.Resampling.BOX)
    mapped = small.quantize(count, Image.Quantize.MEDIANCUT)
    palette = mapped.getpalette() or []
    total = SAMPLE_PIXELS * SAMPLE_PIXELS
    shares = sorted(((n, index) for n, index in mapped.getcolors() or []), reverse=True)
    return [
        {"hex": "#" + bytes(palette[3 * index : 3 * index + 3]).hex(), "share": round(n / total, 4)}
        for n, index in shares
        if isinstance(index, int)
    ]


def difference_hash(image: "Image.Image") -> str:
    """A hash of 64 bits as 16 hex digits; pictures that look alike differ in few bits.

    Each bit tells whether a pixel of a copy of 9 x 8 is brighter than its right neighbour.
    Source: http://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    from PIL import Image

    pixels = image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            left = row * 9 + column
            bits = bits << 1 | (pixels[left] > pixels[left + 1])
    return f"{bits:016x}"
