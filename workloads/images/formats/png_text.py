"""Leave out the texts of a PNG: none of them is needed, and some inflate without measure.

Source: https://www.w3.org/TR/png-3/#11textinfo
"""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# More than this is no orientation of a picture.
MAX_TEXT_BYTES = 1_048_576
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# Only these say which side of a picture is up: XMP, and the EXIF of ImageMagick.
_XMP = b"XML:com.adobe.xmp"
_EXIF = b"Raw profile type exif"
# Length and type before the data of a chunk, its checksum behind.
_HEAD_BYTES, _CHECKSUM_BYTES = 8, 4


def drop_text(data: bytes) -> bytes:
    """Leave out the texts of a PNG but those that may have its orientation.

    What is no PNG stays as it is, and so does what follows a broken chunk.
    """
    if not data.startswith(SIGNATURE):
        return data
    texts = [(start, end) for kind, start, end in _chunks(data) if kind in _TEXTS]
    unneeded = [(start, end) for start, end in texts if not _is_needed(data, start, end)]
    if not unneeded:
        return data
    view = memoryview(data)
    starts = [0, *(end for _, end in unneeded)]
    ends = [*(start for start, _ in unneeded), len(data)]
    return b"".join(view[start:end] for start, end in zip(starts, ends, strict=True))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The type of each whole chunk, where it starts, and where it ends."""
    start = len(SIGNATURE)
    while start + _HEAD_BYTES <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + _HEAD_BYTES + length + _CHECKSUM_BYTES
        if end > len(data):
            return
        yield kind, start, end
        start = end


def _is_needed(data: bytes, start: int, end: int) -> bool:
    if end - start > MAX_TEXT_BYTES:
        return False
    kind = data[start + 4 : start + _HEAD_BYTES]
    content = data[start + _HEAD_BYTES : end - _CHECKSUM_BYTES]
    keyword, _, rest = content.partition(b"\0")
    if kind == b"zTXt":
        return keyword == _EXIF and _is_small(rest[1:])
    if kind == b"iTXt":
        return keyword == _XMP and (rest[:1] == b"\0" or _is_small(_skip_languages(rest)))
    return keyword == _EXIF


def _skip_languages(rest: bytes) -> bytes:
    """The text of an iTXt chunk: what follows its language and its translated keyword."""
    return rest[2:].partition(b"\0")[2].partition(b"\0")[2]


def _is_small(compressed: bytes) -> bool:
    """Whether a compressed text inflates to what is allowed; what does not inflate is dropped."""
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(compressed, MAX_TEXT_BYTES)
    except zlib.error:
        return False
    return not inflater.unconsumed_tail
