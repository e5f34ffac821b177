"""A JPEG says in its head whether its decoder must keep all coefficients."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD

from tests.support.pictures.files import image_file
from tests.support.pictures.jpeg import exif_of_preview, write_planes
from workloads.images.formats.jpeg import has_several_scans

NOISE = np.random.default_rng(5).integers(0, 255, (40, 56, 3), np.uint8)
PHOTO = Image.fromarray(NOISE)
PREVIEW = image_file(PHOTO.resize((16, 16)), "JPEG", progressive=True)
PREVIEWS: dict[str, dict[str, Any]] = {
    "exif": {"exif": exif_of_preview(PREVIEW)},
    "comment": {"comment": PREVIEW},
    "segment": {"extra": b"\xff\xed" + (2 + len(PREVIEW)).to_bytes(2, "big") + PREVIEW},
}


def test_the_preview_of_these_tests_is_one():
    data = image_file(PHOTO, "JPEG", **PREVIEWS["exif"])
    place = Image.open(io.BytesIO(data)).getexif().get_ifd(IFD.IFD1)
    begin = data.index(b"II*\0") + place[0x0201]
    assert data[begin : begin + place[0x0202]] == PREVIEW


@pytest.mark.parametrize("where", PREVIEWS)
@pytest.mark.parametrize("is_progressive", [False, True])
def test_scans_of_a_preview_are_none_of_the_picture(where: str, is_progressive: bool):
    data = image_file(PHOTO, "JPEG", progressive=is_progressive, **PREVIEWS[where])
    assert data.count(b"\xff\xda") > 1
    assert has_several_scans(data) is is_progressive


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"optimize": True}, {"restart_marker_blocks": 1}, {"subsampling": 2}]
)
def test_a_picture_of_one_scan_has_one(mode: str, options: dict[str, Any]):
    assert not has_several_scans(image_file(PHOTO.convert(mode), "JPEG", **options))


def test_a_scan_for_each_component_is_several():
    planes = PHOTO.convert("YCbCr")
    data = write_planes(planes)
    written = np.asarray(Image.open(io.BytesIO(data)).convert("YCbCr"), int)
    assert np.abs(written - np.asarray(planes, int)).mean() < 16
    assert "progressive" not in Image.open(io.BytesIO(data)).info
    assert has_several_scans(data)
    (gray,) = planes.split()[:1]
    assert not has_several_scans(image_file(gray, "JPEG"))


def test_what_is_cut_off_before_its_scan_has_none():
    data = image_file(PHOTO, "JPEG", progressive=True, **PREVIEWS["exif"])
    scan = data.index(b"\xff\xda", data.index(b"\xff\xc2", data.index(PREVIEW) + len(PREVIEW)))
    told = [has_several_scans(data[:end]) for end in range(scan + 10)]
    assert told == [end >= scan + 2 for end in range(scan + 10)]


def test_fill_bytes_and_markers_without_a_segment_are_passed_over():
    data = image_file(PHOTO, "JPEG", progressive=True)
    filled = data.replace(b"\xff\xc2", b"\xff\xff\xff\xc2").replace(
        b"\xff\xdb", b"\xff\x01\xff\xdb"
    )
    assert has_several_scans(filled)
