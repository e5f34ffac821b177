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
# What the smallest of them takes in memory besides its bytes, about.
ENTRY_BYTES = 1024


class Version(NamedTuple):
    """One version of a blob: its bytes never change."""

    container: str
    blob: str
    etag: str


@dataclass(frozen=True)
class Beginning:
    """The first bytes of a version.

    Attributes:
        etag: Of the version.
        data: Its first bytes.
        size: How many bytes the version has; 0 where nothing is known.
        until: When they are to be forgotten, by the clock.
    """

    etag: str = ""
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

    Of each blob it keeps one version.

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
        self._kept: OrderedDict[tuple[str, str], Beginning] = OrderedDict()
        self._bytes = 0

    def find(self, version: Version) -> Beginning:
        """Give what is kept of a version; it may be nothing."""
        found = self._kept.get(version[:2], _NOTHING)
        is_asked_for = found.etag == version.etag and found.until > self._clock()
        return found if is_asked_for else _NOTHING

    def has(self, container: str, blob: str) -> bool:
        """Tell whether something is kept of a blob, in any version."""
        found = self._kept.get((container, blob), _NOTHING)
        return found.until > self._clock()

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
        with self._lock:
            known = self.find(version).data
            if offset <= len(known) < end:
                joined = known[:offset] + data
                self._keep(version, Beginning(version.etag, joined, size, self._until()))

    def _until(self) -> float:
        return self._clock() + KEPT_SECONDS

    def _keep(self, version: Version, beginning: Beginning) -> None:
        self._forget(version[:2])
        self._kept[version[:2]] = beginning
        self._bytes += _cost(beginning)
        while self._bytes > self._max_bytes:
            oldest, *_ = self._kept
            self._forget(oldest)

    def _forget(self, blob: tuple[str, str]) -> None:
        forgotten = self._kept.pop(blob, None)
        if forgotten is not None:
            self._bytes -= _cost(forgotten)


def _cost(beginning: Beginning) -> int:
    return len(beginning.data) + ENTRY_BYTES
