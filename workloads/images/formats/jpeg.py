"""Whether a JPEG comes in several scans: read from its head, before anything is decoded."""

import re
from collections.abc import Iterator

# ITU-T T.81, table B.1: frames are all from SOF0 to SOF15 but what defines tables or is reserved.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_FRAMES = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_SCAN = 0xDA
# TEM, and RST0 to EOI: nothing follows that would belong to them.
_STANDALONE = frozenset({0x01, *range(0xD0, 0xDA)})
# Any number of fill bytes may come first: T.81, B.1.1.2.
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_LENGTH_BYTES = 2
# How many components there are: behind precision, height and width of a frame; first of a scan.
_FRAME_COUNT, _SCAN_COUNT = slice(5, 6), slice(0, 1)


def has_several_scans(data: bytes) -> bool:
    """Tell whether a decoder must keep the coefficients of a whole picture.

    It must where scans refine each other, and where the first has not all components: so libjpeg
    decides. A preview within a segment of the file is no scan of the picture.

    Args:
        data: A JPEG.

    Source: ITU-T T.81, annex B, https://www.w3.org/Graphics/JPEG/itu-t81.pdf; ``initial_setup`` in
        https://github.com/libjpeg-turbo/libjpeg-turbo/blob/main/src/jdinput.c
    """
    is_progressive, in_frame = False, b""
    for marker, content in _segments(data):
        if marker == _SCAN:
            return is_progressive or content[_SCAN_COUNT] < in_frame
        if marker in _FRAMES:
            is_progressive, in_frame = marker in _PROGRESSIVE_FRAMES, content[_FRAME_COUNT]
    return False


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and what belongs to them, in order; what is behind a scan is none."""
    place = 0
    while found := _MARKER.search(data, place):
        marker, begin = found[1][0], found.end()
        size = 0 if marker in _STANDALONE else _read_size(data, begin)
        place = begin + size
        yield marker, data[begin + _LENGTH_BYTES : place]


def _read_size(data: bytes, begin: int) -> int:
    """The size of a segment with the length itself, which is no shorter."""
    told = int.from_bytes(data[begin : begin + _LENGTH_BYTES], "big")
    return max(told, _LENGTH_BYTES)
