"""The items that a batch still has: it may give back those of the cuts that it has not begun."""

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from threading import Lock

from fanout.models.plan import Cut


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes:
        begun: How many items it has begun.
        rest: How many it could give back.
        seconds_at_item: How long ago the latest item began.
    """

    begun: int
    rest: int
    seconds_at_item: float


class Stretch:
    """Which items of a batch are its own, while another thread may cut it short.

    Attributes:
        bounds: The index of the first item of each cut, and the index after the last item.
        end: The index after the last item that is its own.
        kept: How many of its cuts it has kept; None while it has given back none.
    """

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self.bounds = [*accumulate((cut.items for cut in cuts), initial=cuts[0].first_index)]
        self.end = self.bounds[-1]
        self.kept: int | None = None
        self._lock = Lock()
        self._is_closed = False
        self._next = self.bounds[0]
        self._begun_at = time.monotonic()

    def begin(self, index: int) -> bool:
        """Take note that an item begins; tell whether it may: it is not given back."""
        with self._lock:
            if index >= self.end:
                return False
            if index >= self._next:
                self._next, self._begun_at = index + 1, time.monotonic()
            return True

    @property
    def has_rest(self) -> bool:
        """Whether the batch ended before its last item, since others have or do the rest."""
        return self.kept is not None or self.end < self.bounds[-1]

    @property
    def progress(self) -> Progress:
        """How far the batch is."""
        with self._lock:
            rest = self.bounds[-1] - self.bounds[self._cuts_begun]
            waited = time.monotonic() - self._begun_at
            return Progress(self._next - self.bounds[0], rest, waited)

    def cut_short(self, give_back: Callable[[int], int | None]) -> None:
        """Give back the cuts that are not begun, if there are any; no item begins meanwhile.

        Args:
            give_back: Is told how many cuts the batch would keep. Gives how many it has kept, for
                another execution may have been first; None if that has carried out all of them.
        """
        with self._lock:
            if self._is_closed or self._cuts_begun == len(self.bounds) - 1:
                return
            self.kept = give_back(self._cuts_begun)
            kept_end = self._next if self.kept is None else self.bounds[self.kept]
            self.end = max(self._next, kept_end)

    def close(self) -> None:
        """Have nothing given back any more: what the batch has done is being written down."""
        with self._lock:
            self._is_closed = True

    @property
    def _cuts_begun(self) -> int:
        return max(1, bisect_left(self.bounds, self._next))
