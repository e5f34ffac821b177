"""A TIFF that lacks values of its first directory is found, of 32 and of 64 bits."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support.pictures.files import even, image_file
from tests.support.pictures.profiles import ADOBE_RGB
from tests.support.pictures.tiff import ICC_PROFILE, RGB, Layout, tiff_file
from workloads.images.formats.tiff_directory import find_missing_tag


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_profile_behind_the_end_is_missing(order: str) -> None:
    fields = {ICC_PROFILE: ("B", tuple(ADOBE_RGB))}
    data = tiff_file(even(1, 2, 3), Layout(RGB, order, fields=fields))
    assert find_missing_tag(data) is None
    assert find_missing_tag(data[:-1]) == "ICCProfile"
    assert find_missing_tag(data[: len(data) - len(ADOBE_RGB) - 60]) is not None


def test_a_file_of_64_bits_is_read() -> None:
    data = image_file(Image.new("RGB", (16, 16)), "TIFF", big_tiff=True, icc_profile=ADOBE_RGB)
    assert struct.unpack_from("<H", data, 2) == (43,)
    assert find_missing_tag(data) is None
    assert find_missing_tag(data[: data.index(ADOBE_RGB) + 9]) is not None


def test_other_files_lack_nothing() -> None:
    assert find_missing_tag(image_file(Image.new("RGB", (16, 16)))) is None


@given(st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]), st.binary(max_size=100))
def test_no_bytes_are_too_odd(head: bytes, content: bytes) -> None:
    find_missing_tag(head + content)
