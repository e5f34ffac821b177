"""What a camera says comes out as JSON that anybody can read, without what is broken of it."""

import json
import math
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support.pictures.files import image_file
from workloads.images.parameters import ImageParameters
from workloads.images.photo import process_photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
MAKE, MODEL, SOFTWARE, EXIF_IFD, GPS_IFD = 0x010F, 0x0110, 0x0131, 0x8769, 0x8825
EXPOSURE_TIME, F_NUMBER, ISO, FLASH = 0x829A, 0x829D, 0x8827, 0x9209
GPS_LATITUDE, GPS_ALTITUDE = 2, 6
BYTE, ASCII, SHORT, RATIONAL, UNDEFINED, FLOAT, DOUBLE = 1, 2, 3, 5, 7, 11, 12
Entry = tuple[int, int, int, bytes]


def text(tag: int, content: bytes) -> Entry:
    return tag, ASCII, len(content), content


def rational(tag: int, *pairs: tuple[int, int]) -> Entry:
    return tag, RATIONAL, len(pairs), b"".join(struct.pack(">II", *pair) for pair in pairs)


def directory(entries: Sequence[Entry], start: int) -> bytes:
    """A directory of EXIF, with its values behind it."""
    end = start + 2 + 12 * len(entries) + 4
    head, values = struct.pack(">H", len(entries)), b""
    for tag, kind, count, content in sorted(entries):
        head += struct.pack(">HHI", tag, kind, count)
        if len(content) > 4:
            head += struct.pack(">I", end + len(values))
            values += content
        else:
            head += content.ljust(4, b"\0")
    return head + bytes(4) + values


def exif_file(
    main: Sequence[Entry], camera: Sequence[Entry] = (), place: Sequence[Entry] = ()
) -> bytes:
    """A JPEG with these directories."""
    placeholder = [(tag, 4, 1, bytes(4)) for tag in (EXIF_IFD, GPS_IFD)]
    camera_start = 8 + len(directory([*main, *placeholder], 8))
    place_start = camera_start + len(directory(camera, camera_start))
    pointers = [
        (tag, 4, 1, struct.pack(">I", start))
        for tag, start in ((EXIF_IFD, camera_start), (GPS_IFD, place_start))
    ]
    content = directory([*main, *pointers], 8) + directory(camera, camera_start)
    content += directory(place, place_start)
    return image_file(Image.new("RGB", (16, 16)), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + content)


def exif_of(data: bytes) -> dict[str, Any]:
    """What a file says, as any JSON parser reads it."""
    result = process_photo(data, ImageParameters(renditions=[], include_location=True))
    written = json.dumps(result.metadata, allow_nan=False).encode("utf-8")
    return dict(json.loads(written)["exif"])


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"Camera 1\0", "Camera 1"),
        (b"Camera 1\0\0\0rest\0", "Camera 1"),
        (b"  Camera 1  \0", "Camera 1"),
        ("Kamera Größe 日本\0".encode(), "Kamera Größe 日本"),
        (b"caf\xe9\0", "café"),
        (b"Camera\x01\x02\r\n1\0", "Camera    1"),
        ("cut \ud800 short\0".encode("utf-8", "surrogatepass"), "cut í\xa0\x80 short"),
        (b"\xff\xfe\xfd\0", "ÿþý"),
        (b"x" * 5000, "x" * 200),
    ],
)
def test_odd_texts_become_texts(content: bytes, wanted: str) -> None:
    found = exif_of(exif_file([text(MODEL, content)]))["Model"]
    assert found == "".join(c if c.isprintable() else " " for c in wanted)


def test_numbers_without_a_value_are_left_out() -> None:
    camera = [
        rational(EXPOSURE_TIME, (1, 0)),
        (F_NUMBER, FLOAT, 1, struct.pack(">f", math.nan)),
        (FLASH, DOUBLE, 1, struct.pack(">d", math.inf)),
    ]
    assert exif_of(exif_file([text(MODEL, b"One\0")], camera)) == {"Model": "One"}


def test_places_that_no_earth_has_are_valid_json() -> None:
    place = [
        rational(GPS_LATITUDE, (4_294_967_295, 1), (0, 0), (1, 3)),
        rational(GPS_ALTITUDE, (0, 0)),
        (0xFFF0, BYTE, 4, b"\xff\0\xff\0"),
    ]
    assert exif_of(exif_file([], place=place))["GPS"] == {
        "GPSLatitude": [4_294_967_295.0, None, 0.333333]
    }


def test_long_lists_are_left_out() -> None:
    many = (ISO, SHORT, 3000, bytes(6000))
    assert exif_of(exif_file([text(MODEL, b"One\0")], [many])) == {"Model": "One"}


def test_a_broken_directory_loses_itself_alone() -> None:
    broken = (EXIF_IFD, 4, 1, struct.pack(">I", 2**31))
    data = directory([text(MODEL, b"Camera One\0"), broken], 8)
    image = Image.new("RGB", (16, 16))
    found = exif_of(image_file(image, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + data))
    assert found == {"Model": "Camera One"}


def test_a_tag_of_the_wrong_type_loses_itself_alone() -> None:
    main = [(MAKE, UNDEFINED, 8, b"\xff" * 8), text(MODEL, b"Camera One\0")]
    assert exif_of(exif_file(main)) == {"Model": "Camera One"}


@given(st.binary(max_size=120))
def test_no_exif_is_too_odd(content: bytes) -> None:
    image = Image.new("RGB", (16, 16))
    exif_of(image_file(image, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + content))
