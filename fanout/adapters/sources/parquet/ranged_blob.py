"""A blob as a file that PyArrow reads in ranges, and the errors that this meets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fanout.adapters.sources.blobs import BlobReader, read_range
from fanout.models.plan import BlobRef

# Of a small blob, the footer that is read in blocks of 64 KiB, and columns after it, are all.
_MAX_WHOLE_BYTES = 256 * 1024


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

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._position)
        length = left if size < 0 else min(size, left)
        try:
            data = self._read(length)
        except Exception as error:
            self._error = error
            raise
        self._position += len(data)
        return data

    def _read(self, length: int) -> bytes:
        if self._size > _MAX_WHOLE_BYTES:
            return read_range(self._store, self._ref, self._position, length)
        # The store has it from the second time on.
        whole = read_range(self._store, self._ref, 0, self._size)
        return whole[self._position : self._position + length]

    def as_arrow(self) -> Any:
        """Give it to PyArrow."""
        import pyarrow as pa

        return pa.PythonFile(self, mode="r")
