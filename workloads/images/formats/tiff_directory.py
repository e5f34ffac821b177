"""Find whether a TIFF lacks what Pillow would pass over, and how many pages it has.

Source: TIFF 6.0, section 2, and for 64 bits https://www.awaresystems.be/imaging/tiff/bigtiff.html
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

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


class Directories(NamedTuple):
    """How many directories a file has, a page each, and how many tags they have together."""

    pages: int
    tags: int


def count_directories(data: bytes, most: Directories) -> Directories:
    """Count the directories of a file and their tags, no further than beyond `most` of either.

    A file that is no TIFF has none; where one is cut short, those before that are counted.
    """
    seen: set[int] = set()
    tags = 0
    try:
        form = _Form.of(data)
        start = 0 if form is None else form.first_directory
        while (
            form and start and start not in seen and len(seen) <= most.pages and tags <= most.tags
        ):
            seen.add(start)
            entries, first = form.begin(start)
            tags += entries
            start = form.offset(first + entries * form.entry_bytes)
    except (struct.error, OverflowError):
        pass
    return Directories(len(seen), tags)


@dataclass(frozen=True)
class _Form:
    """How numbers are written in a file: their order, and whether they have 64 bits."""

    data: bytes
    order: str
    is_big: bool

    @classmethod
    def of(cls, data: bytes) -> "_Form | None":
        order = _ORDERS.get(data[:2])
        if order is None:
            return None
        return cls(data, order, struct.unpack_from(order + "H", data, 2)[0] == _BIG_TIFF)

    @property
    def first_directory(self) -> int:
        return self.offset(8 if self.is_big else 4)

    @property
    def entry(self) -> str:
        """A tag, the type of its values, and their number."""
        return self.order + ("HHQ" if self.is_big else "HHI")

    @property
    def inline_bytes(self) -> int:
        """How many bytes of values are in the entry itself; of more it has the place."""
        return 8 if self.is_big else 4

    @property
    def entry_bytes(self) -> int:
        return struct.calcsize(self.entry) + self.inline_bytes

    def begin(self, start: int) -> tuple[int, int]:
        """How many entries a directory has, and where the first is."""
        number = self.order + ("Q" if self.is_big else "H")
        (entries,) = struct.unpack_from(number, self.data, start)
        return entries, start + struct.calcsize(number)

    def offset(self, position: int) -> int:
        (offset,) = struct.unpack_from(
            self.order + ("Q" if self.is_big else "I"), self.data, position
        )
        return int(offset)


def _value_ends(data: bytes) -> Iterator[tuple[int, int]]:
    """Each tag of the first directory, and where its values end in the file."""
    form = _Form.of(data)
    if form is None:
        return
    entries, position = form.begin(form.first_directory)
    for _ in range(entries):
        tag, kind, count = struct.unpack_from(form.entry, data, position)
        place = position + struct.calcsize(form.entry)
        offset, position = form.offset(place), position + form.entry_bytes
        size = _TYPE_BYTES.get(kind, 0) * count
        yield tag, (offset + size if size > form.inline_bytes else position)
