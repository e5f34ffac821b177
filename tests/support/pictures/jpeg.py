"""JPEGs that Pillow does not write: with a preview in them, or with a scan for each component."""

import struct
from collections.abc import Iterator

from PIL import Image

from tests.support.pictures.files import image_file

# Of a segment: ITU-T T.81, table B.1.
_FRAME, _HUFFMAN, _QUANTIZATION, _SCAN = 0xC0, 0xC4, 0xDB, 0xDA
_END = b"\xff\xd9"
# In a scan: which tables, from the first coefficient to the last, each as it is.
_TABLES, _WHOLE = b"\x00", b"\x00\x3f\x00"


def exif_of_preview(preview: bytes) -> bytes:
    """EXIF with a small JPEG in it, as cameras write it: in the directory behind the first.

    Source: EXIF 2.32, section 4.5.3, https://www.cipa.jp/std/documents/e/DC-008-Translation-2019-E.pdf
    """
    first = struct.pack("<HI", 0, 14)
    begin = 14 + 2 + 2 * 12 + 4
    place, size = (0x0201, 4, 1, begin), (0x0202, 4, 1, len(preview))
    second = struct.pack("<HHHIIHHIII", 2, *place, *size, 0)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + second + preview


def write_planes(planes: Image.Image) -> bytes:
    """A sequential JPEG with a scan for each component, of a picture in YCbCr."""
    written = [image_file(plane, "JPEG", quality=90, subsampling=0) for plane in planes.split()]
    heads = dict(_segments(written[0]))
    size = heads[_FRAME][:5]
    components = b"".join(bytes([number, 0x11, 0]) for number in range(1, 1 + len(written)))
    frame = size + bytes([len(written)]) + components
    tables = [(kind, content) for kind, content in _segments(written[0]) if kind == _HUFFMAN]
    shared = [(_QUANTIZATION, heads[_QUANTIZATION]), (_FRAME, frame), *tables]
    head = b"".join(_segment(kind, content) for kind, content in shared)
    scans = [_scan(number, _samples(one)) for number, one in enumerate(written, 1)]
    return b"\xff\xd8" + head + b"".join(scans) + _END


def _scan(component: int, samples: bytes) -> bytes:
    return _segment(_SCAN, bytes([1, component]) + _TABLES + _WHOLE) + samples


def _segment(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, 2 + len(content)) + content


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The segments of a file of Pillow, to its scan."""
    place = 2
    while place < len(data):
        _, kind, size = struct.unpack_from(">BBH", data, place)
        yield kind, data[place + 4 : place + 2 + size]
        if kind == _SCAN:
            return
        place += 2 + size


def _samples(data: bytes) -> bytes:
    """What is between the head of the only scan of a file and its end."""
    (head,) = (content for kind, content in _segments(data) if kind == _SCAN)
    begin = data.index(_segment(_SCAN, head)) + 4 + len(head)
    return data[begin : -len(_END)]
