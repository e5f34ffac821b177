"""A blob as a file that PyArrow reads in ranges, and the errors that this meets."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from fanout.adapters.sources.blobs import BlobReader, read_range
from fanout.models.plan import BlobRef

# Of a small blob, the footer that is read in blocks of 64 KiB, and columns after it, are all.
_MAX_WHOLE_BYTES = 256 * 1024
# PyArrow reads over holes of so many bytes (`hole_size_limit` of its `CacheOptions`).
_MAX_HOLE_BYTES = 8192


def join_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges with little between them, as PyArrow does with what it reads at a time."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if joined and begin - joined[-1][1] <= _MAX_HOLE_BYTES:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


class RangedBlob(io.RawIOBase):
    """One version of a blob as a file.

    What goes wrong in its store is kept: PyArrow passes some errors on in another form, and none of
    them says anything of the file's content.
    """

    def __init__(self, store: BlobReader, ref: BlobRef, size: int) -> None:
        self._store = store
        self._ref = ref
        self._size = size
        self._position = 0
        self._error: Exception | None = None
        self._held: dict[int, bytes] = {}

    @contextmanager
    def store_errors(self) -> Iterator[None]:
        """Raise an error of the store as it came, in place of what a decoder makes of it."""
        self._error = None
        try:
            yield
        except Exception as error:
            if self._error is not None and error is not self._error:
                raise self._error from error
            raise

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._size

    @property
    def has_failed(self) -> bool:
        """Whether its store could not give what was asked for last."""
        return self._error is not None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        position = origins[whence] + offset
        if position < 0:
            raise ValueError(f"there is no byte {position}")
        self._position = position
        return self._position

    def read(self, size: int = -1) -> Any:
        """Read from the position on: bytes, or a view of those that are held."""
        left = max(0, self._size - self._position)
        length = left if size < 0 else min(size, left)
        data = self._find(self._position, length) or self.take(self._position, length)
        self._position += len(data)
        return data

    def hold(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Read ranges (begin and end), and have them in memory until `release`.

        Raises:
            SourceChangedError: There is another version, or none.
        """
        for begin, end in join_ranges(ranges):
            if len(self._held.get(begin, b"")) < end - begin:
                self._held[begin] = self.take(begin, end - begin)

    def release(self) -> None:
        """Forget the ranges that are held."""
        self._held = {}

    def take(self, begin: int, length: int) -> bytes:
        """Read a range; from memory, if it is held.

        Raises:
            SourceChangedError: There is another version, or none.
        """
        found = self._find(begin, length)
        if found is not None:
            return bytes(found)
        try:
            return self._read(begin, length)
        except Exception as error:
            self._error = error
            raise

    def _find(self, begin: int, length: int) -> memoryview | None:
        """Find a range among those that are held; it is not copied."""
        for start, data in self._held.items():
            if start <= begin and begin + length <= start + len(data):
                return memoryview(data)[begin - start : begin - start + length]
        return None

    def _read(self, begin: int, length: int) -> bytes:
        if self._size > _MAX_WHOLE_BYTES:
            return read_range(self._store, self._ref, begin, length)
        # The store has it from the second time on.
        whole = read_range(self._store, self._ref, 0, self._size)
        return whole[begin : begin + length]

    def as_arrow(self) -> Any:
        """Give it to PyArrow."""
        import pyarrow as pa

        return pa.PythonFile(self, mode="r")
