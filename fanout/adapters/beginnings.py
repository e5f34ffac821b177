"""The beginnings of blobs that were read lately: what was read once need not be read again.

A small source is read when its request is checked, when it is planned, and by its batches; these
are often in one process, one soon after the other.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

# Of larger blobs only the head is kept: their batches are mostly in other processes.
MAX_BLOB_BYTES = 8 * 1_048_576
HEAD_BYTES = 64 * 1024
MAX_KEPT_BYTES = 32 * 1_048_576
# A run whose blob is written meanwhile must soon find that out.
KEPT_SECONDS = 60.0


class Version(NamedTuple):
    """One version of a blob: its bytes never change."""

    container: str
    blob: str
    etag: str


@dataclass(frozen=True)
class Beginning:
    """The first bytes of a version.

    Attributes:
        data: They.
        size: How many bytes the version has; 0 where nothing is known.
        until: When they are to be forgotten, by the clock.
    """

    data: bytes = b""
    size: int = 0
    until: float = 0.0

    def part(self, offset: int, length: int | None) -> bytes:
        """What there is here of a range; without a length it goes to the end."""
        return self.data[offset : None if length is None else offset + length]

    def holds(self, offset: int, length: int | None) -> bool:
        """Tell whether a range is here as far as the version has it."""
        end = self.size if length is None else min(self.size, offset + length)
        return offset < end <= len(self.data)


_NOTHING = Beginning()


class Beginnings:
    """Keeps beginnings in bounded memory, those read last; safe to share between threads.

    Args:
        max_bytes: How much it keeps.
        clock: Counts seconds.
    """

    def __init__(
        self, max_bytes: int = MAX_KEPT_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[Version, Beginning] = OrderedDict()
        self._bytes = 0

    def find(self, version: Version) -> Beginning:
        """Give what is kept of a version; it may be nothing."""
        with self._lock:
            found = self._kept.get(version, _NOTHING)
            if found is not _NOTHING and found.until <= self._clock():
                self._forget(version)
                return _NOTHING
            return found

    def has(self, container: str, blob: str) -> bool:
        """Tell whether anything is kept of a blob, in any version."""
        with self._lock:
            return any(kept[:2] == (container, blob) for kept in self._kept)

    def add(self, version: Version, offset: int, data: bytes, size: int) -> None:
        """Take bytes of a version where they go on what is kept of it.

        Args:
            version: The version.
            offset: Where the bytes are in it.
            data: The bytes.
            size: How many the whole version has.
        """
        end = offset + len(data)
        if end > self._max_bytes or (size > MAX_BLOB_BYTES and end > HEAD_BYTES):
            return
        known = self.find(version)
        if offset > len(known.data) or end <= len(known.data):
            return
        joined = known.data[:offset] + data
        with self._lock:
            self._forget(version)
            self._kept[version] = Beginning(joined, size, self._clock() + KEPT_SECONDS)
            self._bytes += len(joined)
            while self._bytes > self._max_bytes:
                self._forget(next(iter(self._kept)))

    def _forget(self, version: Version) -> None:
        forgotten = self._kept.pop(version, _NOTHING)
        self._bytes -= len(forgotten.data)
