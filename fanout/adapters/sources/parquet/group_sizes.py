"""How much memory a row group may take when it is decoded: a bound, not a guess.

A dictionary may hold one text of a megabyte to which millions of rows point, and a run of a few
bytes may stand for as many values. So neither the bytes of a file nor what its footer says of them
tell how much comes out.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat

from fanout.adapters.sources.parquet.leaves import GroupFooter, Leaf
from fanout.adapters.sources.parquet.pages import MAX_PAGES, Page, read_pages
from fanout.adapters.sources.parquet.ranged_blob import RangedBlob
from fanout.adapters.sources.parquet.thrift import ThriftError

# Where a text begins and how long it is, and that it is not null; a list the same.
_PLACE_BYTES = 17
# So that there is room for a few windows: batches at work need not be of the same.
_WINDOW_PART = 8
# What most texts are at most; the dictionary of longer ones is looked into.
_USUAL_TEXT_BYTES = 64
_CODECS = {1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
_UNCOMPRESSED = 0
_LENGTH = struct.Struct("<I")
_LENGTH_BYTES = _LENGTH.size
# PyArrow keeps of each text of a dictionary where it is, twice, and its bytes twice as well.
_ENTRY_BYTES = 20
# All columns have a dictionary and a page each in memory while windows are decoded.
_OPEN_PARTS = 3
# As `pages.MAX_PAGES`, for all columns together.
MAX_GROUP_PAGES = 2 * MAX_PAGES
MAX_COUNTS = 100
# Nobody else reads a Parquet meanwhile: to go from one text to the next takes some 70 ns, and to
# decompress as many bytes as this about as long.
_MAX_TEXTS = 8_000_000
_BYTES_OF_TEXT = 64
# Counts the bytes of the texts of a leaf by its number; None where it cannot.
CountTexts = Callable[[int], int | None]


def count_nothing(leaf: int) -> int | None:
    """Count no texts: a bound has to do."""
    return None


class GroupTooLargeError(ValueError):
    """A row group would take too much memory when it is decoded."""


@dataclass(frozen=True)
class GroupSize:
    """How much memory the values of a row group may take.

    Attributes:
        texts: What its pages hold of texts, in all.
        row: What one row may take besides.
        open: What its dictionaries and largest pages take until the last window is decoded.
    """

    texts: int
    row: int
    open: int = 0

    def window(self, rows: int, max_bytes: int) -> int:
        """How many rows are decoded at a time: all, or as many as take a part of the memory."""
        if self.texts + self.row * rows <= max_bytes:
            return rows
        a_row = self.row + -(-self.texts // max(1, rows))
        return max(1, min(rows, max_bytes // _WINDOW_PART // max(1, a_row)))


def measure_group(
    blob: RangedBlob,
    group: GroupFooter,
    columns: frozenset[str],
    max_bytes: int,
    count_texts: CountTexts = count_nothing,
) -> GroupSize:
    """Bound what some columns of a row group take; their bytes are held by the blob.

    Args:
        blob: Has them.
        group: What the footer says of the row group.
        columns: Which columns.
        max_bytes: How much memory they may take.
        count_texts: Counts the texts in the lists of a leaf, where no bound does.

    Raises:
        GroupTooLargeError: One of them cannot be decoded in so much memory.
        ThriftError: The header of a page is malformed.
    """
    measure = _Measure(blob, group.rows, max_bytes)
    numbered = ((n, leaf) for n, leaf in enumerate(group.leaves) if leaf.column in columns)
    sizes = [
        measure.leaf(leaf, partial(count_texts, number))
        for number, leaf in numbered
        if not leaf.is_encrypted
    ]
    size = GroupSize(
        sum(size.texts for size in sizes),
        sum(size.row for size in sizes),
        sum(size.open for size in sizes),
    )
    _insist_on_room(size, group.rows, max_bytes)
    return size


def _insist_on_room(size: GroupSize, rows: int, max_bytes: int) -> None:
    if size.texts + size.row > max_bytes:
        raise GroupTooLargeError(
            f"its pages hold {size.texts} bytes of texts and a row may take {size.row} more, "
            f"over {max_bytes}"
        )
    if size.window(rows, max_bytes) < rows and size.open > _OPEN_PARTS * max_bytes:
        raise GroupTooLargeError(
            f"its rows are decoded some at a time, and its columns take {size.open} bytes until "
            f"then, over {_OPEN_PARTS * max_bytes}"
        )


@dataclass
class _Measure:
    """Measures the leaves of a row group.

    Attributes:
        texts: How many texts of dictionaries may be looked at yet.
        pages: How many pages there may be yet.
        counts: Of how many leaves the texts may be counted yet; each reads its column once more.
    """

    blob: RangedBlob
    rows: int
    max_bytes: int
    texts: int = _MAX_TEXTS
    pages: int = MAX_GROUP_PAGES
    counts: int = MAX_COUNTS

    def leaf(self, leaf: Leaf, count: Callable[[], int | None]) -> GroupSize:
        data = self.blob.take(leaf.begin, leaf.stored)
        pages = self._pages(leaf, data)
        plain, value = self._value_bytes(leaf, pages, data)
        if leaf.is_repeated:
            size = self._bound_lists(leaf, pages, GroupSize(plain, value), count)
        else:
            size = GroupSize(plain, value)
        return replace(size, open=_open_bytes(pages))

    def _bound_lists(
        self, leaf: Leaf, pages: list[Page], a_value: GroupSize, count: Callable[[], int | None]
    ) -> GroupSize:
        """Bound what the lists of a leaf take, each of whose values takes so much."""
        value = a_value.row
        values = sum(page.values for page in pages if not page.is_dictionary)
        # Any row may have all of them, and which ones it has shows only when they are decoded.
        if values * value > self.max_bytes:
            return self._count_lists(leaf, values, value, count)
        return GroupSize(a_value.texts, -(-values * value // max(1, self.rows)) + _PLACE_BYTES)

    def _count_lists(
        self, leaf: Leaf, values: int, value: int, count: Callable[[], int | None]
    ) -> GroupSize:
        """Count the texts in lists, for which `value` bytes each are too many."""
        place = leaf.width + _PLACE_BYTES
        texts = None
        if leaf.is_text and values * place <= self.max_bytes and self.counts:
            self.counts -= 1
            texts = count()
        if texts is None or texts + values * place > self.max_bytes:
            fault = f"column '{leaf.column}': its lists have {values} values of up to {value} bytes"
            raise GroupTooLargeError(f"{fault}, over {self.max_bytes}")
        return GroupSize(texts, -(-values * place // max(1, self.rows)) + _PLACE_BYTES)

    def _pages(self, leaf: Leaf, data: bytes) -> list[Page]:
        try:
            pages = read_pages(data, leaf.values, min(MAX_PAGES, self.pages))
        except ThriftError as error:
            raise ThriftError(f"column '{leaf.column}': {error}") from error
        largest = max(map(_page_bytes, pages), default=0)
        if largest > self.max_bytes:
            fault = f"column '{leaf.column}': a page takes {largest} bytes, over {self.max_bytes}"
            raise GroupTooLargeError(fault)
        self.pages -= len(pages)
        return pages

    def _value_bytes(self, leaf: Leaf, pages: Sequence[Page], data: bytes) -> tuple[int, int]:
        """What the pages hold of texts, and what a value may take besides."""
        if not leaf.is_text:
            return 0, leaf.width
        own = sum(page.size for page in pages if not page.is_dictionary and not page.has_indices)
        sharing = max((page.size for page in pages if page.may_share), default=0)
        dictionaries = [page for page in pages if page.is_dictionary]
        if not any(page.has_indices for page in pages):
            dictionaries = []
        longest = max((self._longest_text(p, data, leaf.codec) for p in dictionaries), default=0)
        return own, leaf.width + _PLACE_BYTES + max(longest, sharing)

    def _longest_text(self, page: Page, data: bytes, codec: int) -> int:
        """The longest text of a dictionary: at most what is in it besides the lengths of all."""
        most = max(0, page.size - _LENGTH_BYTES * page.values)
        cost = page.values + page.size // _BYTES_OF_TEXT
        if most <= _USUAL_TEXT_BYTES or cost > self.texts:
            return most
        self.texts -= cost
        try:
            content = _decompress(data[page.begin : page.begin + page.stored], page.size, codec)
        except Exception:  # noqa: BLE001  what a damaged page makes of a codec: PyArrow names it
            return most
        return _longest_of(content, page.values)


def _page_bytes(page: Page) -> int:
    """What a page takes, with where the texts of a dictionary are in it."""
    return page.size + (_ENTRY_BYTES * page.values if page.is_dictionary else 0)


def _open_bytes(pages: Sequence[Page]) -> int:
    """What a column takes while its values are decoded: its dictionary, and its largest page."""
    dictionary = max(
        (page.size + _page_bytes(page) for page in pages if page.is_dictionary), default=0
    )
    return dictionary + max((page.size for page in pages if not page.is_dictionary), default=0)


def _decompress(content: bytes, size: int, codec: int) -> bytes:
    import pyarrow as pa

    if codec == _UNCOMPRESSED:
        return content
    return bytes(pa.decompress(content, size, _CODECS[codec], asbytes=True))


def _longest_of(content: bytes, count: int) -> int:
    """The longest of texts in plain encoding: each stands behind its length."""
    longest, position, unpack = 0, 0, _LENGTH.unpack_from
    with suppress(struct.error):  # the dictionary has fewer
        for _ in repeat(None, count):
            (length,) = unpack(content, position)
            position += 4 + length
            if length > longest:
                longest = length
    return min(longest, len(content))
