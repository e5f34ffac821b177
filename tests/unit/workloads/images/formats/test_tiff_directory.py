"""A TIFF that lacks values of its first directory is found, of 32 and of 64 bits."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support.pictures.files import even, image_file
from tests.support.pictures.profiles import ADOBE_RGB
from tests.support.pictures.tiff import ICC_PROFILE, RGB, Layout, tiff_file
from workloads.images.decoding import MOST_DIRECTORIES, count_frames
from workloads.images.errors import ImageTooLargeError
from workloads.images.formats.tiff_directory import Directories, count_directories, find_missing_tag


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
    count_directories(head + content, Directories(5, 5))


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("pages", [1, 2, 7])
def test_pages_and_their_tags_are_counted(pages: int, is_big: bool) -> None:
    one = Image.new("L", (3, 3))
    data = image_file(
        one, "TIFF", save_all=True, append_images=[one] * (pages - 1), big_tiff=is_big
    )
    with Image.open(io.BytesIO(data)) as image:
        expected = Directories(pages, pages * len(image.tag_v2))
    assert count_directories(data, Directories(1000, 1000)) == expected


def directories(count: int, tags: int = 0) -> bytes:
    """A file of directories with empty tags, each behind the other; after the last comes none."""
    size = 6 + 12 * tags
    each = (
        struct.pack("<H", tags) + bytes(12 * tags) + struct.pack("<I", 8 + size * (number + 1))
        for number in range(count)
    )
    return b"II*\0" + struct.pack("<I", 8) + b"".join(each)


def test_they_are_counted_no_further_than_asked_and_once_each() -> None:
    own = b"II*\0" + struct.pack("<IHI", 8, 0, 8)  # the next directory is itself
    assert count_directories(own, Directories(10, 10)) == (1, 0)
    assert count_directories(directories(50), Directories(10, 10)).pages == 11
    assert count_directories(directories(50), Directories(100, 10)).pages >= 50
    assert count_directories(directories(50, tags=3), Directories(100, 10)) == (4, 12)


@pytest.mark.parametrize(
    ("pages", "tags"), [(MOST_DIRECTORIES.pages + 1, 0), (5, MOST_DIRECTORIES.tags // 4)]
)
def test_a_file_of_pages_or_tags_without_end_is_refused(pages: int, tags: int) -> None:
    image = Image.new("L", (1, 1))
    image.format = "TIFF"
    image.fp = io.BytesIO(directories(pages, tags))  # type: ignore[attr-defined]
    with pytest.raises(ImageTooLargeError, match="10,000 pages"):
        count_frames(image)
