"""The memory of a worker process, shared out between those who work in it at the same time.

Each of them may take as much as a setting says, and there are as many as there are threads. So
whoever is about to take much holds that many bytes first, and waits while too many are held.
"""

import ctypes
import mmap
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from fanout.splitting.sizes.budget import Budget

_STATM = Path("/proc/self/statm")
# Of all; after such a one the heap is worth looking through for what can be given back.
_LARGE_PART = 8
# In a process that takes this many times as much as all may hold, and so holds on to what is free.
# Elsewhere what is given back would be asked for again at once, at a tenth of the work on a batch.
_ROOMY = 1.5


class Hold:
    """Bytes that somebody holds.

    Attributes:
        size: How many.
    """

    def __init__(self, memory: "Memory", size: int) -> None:
        self._memory = memory
        self.size = size

    def shrink(self, size: int) -> None:
        """Hold no more than so many bytes from now on; there is no way to hold more."""
        self._memory._give_back(self, size)


class Memory:
    """A semaphore of bytes: whoever came first is served first, so that nobody waits for ever.

    Nobody who holds some may ask for more (`Hold.shrink` alone is allowed): two who both wait for
    what the other holds would wait for ever.

    Args:
        capacity: How many bytes are held at most. Who asks for more gets all, and is alone then.
        free: Who takes no more than this does not wait, and is not counted.
    """

    def __init__(self, capacity: int, free: int = 0) -> None:
        self.capacity = capacity
        self.free = free
        self._held = 0
        self._queue: deque[Hold] = deque()
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """How many bytes are held now."""
        return self._held

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    @contextmanager
    def hold(self, size: int) -> Iterator[Hold]:
        """Hold so many bytes; wait until there are as many.

        Args:
            size: How many; few are given at once, whatever others hold or wait for.
        """
        hold = Hold(self, self._count(size))
        if hold.size:
            self._wait(hold)
        try:
            yield hold
        finally:
            is_large = hold.size >= self.capacity // _LARGE_PART
            hold.shrink(0)
            if is_large and _resident_bytes() > _ROOMY * self.capacity:
                _trim_heap()

    def _count(self, size: int) -> int:
        return 0 if size <= self.free else min(size, self.capacity)

    def _wait(self, hold: Hold) -> None:
        with self._changed:
            self._queue.append(hold)
            try:
                self._changed.wait_for(lambda: self._is_next(hold))
                self._held += hold.size
            finally:
                self._queue.remove(hold)
                self._changed.notify_all()

    def _is_next(self, hold: Hold) -> bool:
        return self._queue[0] is hold and self._held + hold.size <= self.capacity

    def _give_back(self, hold: Hold, size: int) -> None:
        left = min(hold.size, self._count(size))
        if left < hold.size:
            with self._changed:
                self._held -= hold.size - left
                hold.size = left
                self._changed.notify_all()


def _resident_bytes() -> int:
    """How much memory the process takes; as much as any where the system has no such file.

    Source: https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html
    """
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return sys.maxsize
    return pages * mmap.PAGESIZE


def _trim_heap() -> None:
    """Give back to the system what was freed.

    The C library keeps it for each thread, so that many threads that took much by turns would have
    as much as if they had taken it at once.

    Source: https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    """
    trim = _find_trim()
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _find_trim() -> Any | None:
    """The function for that; None where there is none, as on macOS and on Windows."""
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    except TypeError:  # Windows has no library of the process itself
        return None


@lru_cache
def memory_for(budget: Budget) -> Memory:
    """The memory of this process that all share who have the same budget."""
    return Memory(budget.shared, budget.free)
