"""Find whether a TIFF is cut short where Pillow would pass over what is missing.

Source: TIFF 6.0, section 2, and for 64 bits https://www.awaresystems.be/imaging/tiff/bigtiff.html
"""

import struct
from collections.abc import Iterator

# Without these a picture would be made with other colours.
_PICTURE_TAGS = {
    258: "BitsPerSample",
    320: "ColorMap",
    338: "ExtraSamples",
    339: "SampleFormat",
    340: "SMinSampleValue",
    341: "SMaxSampleValue",
    34675: "ICCProfile",
}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
_ORDERS = {b"II": "<", b"MM": ">"}
_BIG_TIFF = 43


def find_missing_tag(data: bytes) -> str | None:
    """Find a tag of the first directory whose values are behind the end of the file.

    Returns:
        Its name; None if all that a picture needs is there, or the file is no TIFF.
    """
    try:
        for tag, end in _value_ends(data):
            if tag in _PICTURE_TAGS and end > len(data):
                return _PICTURE_TAGS[tag]
    except (struct.error, OverflowError):
        return "the rest of its directory"
    return None


def _value_ends(data: bytes) -> Iterator[tuple[int, int]]:
    """Each tag of the first directory, and where its values end in the file."""
    order = _ORDERS.get(data[:2])
    if order is None:
        return
    is_big = struct.unpack_from(order + "H", data, 2)[0] == _BIG_TIFF
    head, number, entry, inline_bytes = (8, "Q", "HHQ", 8) if is_big else (4, "H", "HHI", 4)
    offset_format = order + ("Q" if is_big else "I")
    (start,) = struct.unpack_from(offset_format, data, head)
    (entries,) = struct.unpack_from(order + number, data, start)
    position = start + struct.calcsize(order + number)
    for _ in range(entries):
        tag, kind, count = struct.unpack_from(order + entry, data, position)
        position += struct.calcsize(order + entry)
        (offset,) = struct.unpack_from(offset_format, data, position)
        position += inline_bytes
        size = _TYPE_BYTES.get(kind, 0) * count
        yield tag, (offset + size if size > inline_bytes else position)
