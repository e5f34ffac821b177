"""The camera's data of a photo, without the location unless it is asked for.

Source: Exif 3.0, https://www.cipa.jp/std/documents/download_e.html?CIPA_DC-008-2024-E
"""

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from workloads.images.errors import PILLOW_ERRORS

if TYPE_CHECKING:
    from PIL import Image

MAX_TEXT_CHARACTERS = 200
# No tag that is told has more values; GPS times and places have three.
MAX_VALUES = 16
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
# Serial numbers and the owner's name are left out: they tell who took the photo.
_PUBLIC_TAGS = {
    0x010F: "Make",
    0x0110: "Model",
    0x0112: "Orientation",
    0x0131: "Software",
    0x0132: "DateTime",
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "ISOSpeedRatings",
    0x9003: "DateTimeOriginal",
    0x9011: "OffsetTimeOriginal",
    0x9209: "Flash",
    0x920A: "FocalLength",
    0xA403: "WhiteBalance",
    0xA405: "FocalLengthIn35mmFilm",
    0xA434: "LensModel",
}


def read_exif(image: "Image.Image", *, include_location: bool) -> dict[str, Any]:
    """Read the camera's data, without what is broken of it; `GPS` only if it is included.

    Every value is one that JSON has.
    """
    from PIL.ExifTags import GPSTAGS

    camera = _read_ifd(image, _EXIF_IFD) | _read_ifd(image, None)
    public = {_PUBLIC_TAGS[tag]: camera[tag] for tag in _PUBLIC_TAGS if tag in camera}
    if include_location and (place := _read_ifd(image, _GPS_IFD)):
        public["GPS"] = {GPSTAGS.get(tag, str(tag)): value for tag, value in place.items()}
    return public


def _read_ifd(image: "Image.Image", ifd: int | None) -> dict[int, Any]:
    """Read the tags of a directory, the main one without a number, but those that are broken."""
    try:
        exif = image.getexif()
        directory = exif if ifd is None else exif.get_ifd(ifd)
        values = {tag: _read_tag(directory, tag) for tag in list(directory)}
    except PILLOW_ERRORS:
        return {}
    return {tag: value for tag, value in values.items() if value is not None}


def _read_tag(directory: Any, tag: int) -> Any:
    try:
        return _json_value(directory[tag])
    except PILLOW_ERRORS:
        return None


def _json_value(value: Any) -> Any:
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, int):
        return value
    if isinstance(value, tuple | list):
        return [_json_value(element) for element in value] if len(value) <= MAX_VALUES else None
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    try:
        return round(float(Fraction(value.numerator, value.denominator)), 6)
    except (AttributeError, ArithmeticError, ValueError, TypeError):
        return None


def _clean_text(text: str) -> str:
    """Read a text up to its NUL, as UTF-8 if it is (Pillow takes it for Latin-1), printable."""
    text = text.partition("\0")[0]
    if not text.isascii():
        text = _as_utf8(text)
    return "".join(c if c.isprintable() else " " for c in text).strip()[:MAX_TEXT_CHARACTERS]


def _as_utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
