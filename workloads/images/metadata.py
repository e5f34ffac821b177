"""Metadata of a photo: camera data without the location, colours and a perceptual hash."""

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from workloads.images.errors import PILLOW_ERRORS

if TYPE_CHECKING:
    from PIL import Image

MAX_TEXT_CHARACTERS = 200
SAMPLE_PIXELS = 64
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
# Serial numbers and the owner's name are left out: they tell who took the photo.
_PUBLIC_TAGS = {
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


def read_exif(image: "Image.Image", *, include_location: bool) -> dict[str, Any]:
    """Read the camera's data, none if it is broken; `GPS` only where the location is included."""
    try:
        return _read_tags(image, include_location=include_location)
    except PILLOW_ERRORS:
        return {}


def _read_tags(image: "Image.Image", *, include_location: bool) -> dict[str, Any]:
    from PIL.ExifTags import GPSTAGS, TAGS

    exif = image.getexif()
    tags = {**exif, **exif.get_ifd(_EXIF_IFD)}
    values = {TAGS.get(tag, ""): _json_value(value) for tag, value in tags.items()}
    public = {k: value for k, value in values.items() if k in _PUBLIC_TAGS and value is not None}
    if include_location and (gps := exif.get_ifd(_GPS_IFD)):
        public["GPS"] = {GPSTAGS.get(tag, str(tag)): _json_value(v) for tag, v in gps.items()}
    return public


def _json_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip("\0 ")[:MAX_TEXT_CHARACTERS]
    if isinstance(value, int):
        return value
    if isinstance(value, tuple | list):
        return [_json_value(element) for element in value]
    try:
        number = float(Fraction(value.numerator, value.denominator))
    except (AttributeError, ZeroDivisionError, ValueError, TypeError):
        return None
    return round(number, 6)


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
