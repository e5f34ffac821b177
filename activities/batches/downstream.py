"""What a batch does about a downstream that keeps failing: it leaves the rest untried."""

from activities.batches.item_errors import is_kind
from fanout.errors import TransientError

# Failures in a row, of different items, that no fault of an item explains.
FAILURES_IN_A_ROW = 3


class DownstreamDownError(TransientError):
    """The downstream kept failing before this item's turn came."""


class Downstream:
    """How the downstream of a batch has answered so far.

    Args:
        name: The downstream; None for a workload without one, which never trips.
        most_failures: How many failures in a row it may have.
    """

    def __init__(self, name: str | None, most_failures: int = FAILURES_IN_A_ROW) -> None:
        self._name = name
        self._most = most_failures
        self._in_a_row: list[int] = []
        self._has_answered = False

    @property
    def has_tripped(self) -> bool:
        """Whether it has failed too often in a row."""
        return self._name is not None and len(self._in_a_row) >= self._most

    @property
    def has_answered(self) -> bool:
        """Whether it did what some item asked of it."""
        return self._name is not None and self._has_answered

    def insist_on_up(self) -> None:
        """Let no item begin once it has tripped.

        Raises:
            DownstreamDownError: It has.
        """
        if self.has_tripped:
            raise DownstreamDownError(f"the downstream '{self._name}' kept failing")

    def note(self, index: int, error: BaseException | None) -> None:
        """Take note of how an item ended; a fault of the item's own is an answer, too."""
        if is_kind(error, TransientError):
            self._in_a_row.append(index)
        else:
            self._in_a_row.clear()
            self._has_answered = True

    @property
    def excused(self) -> frozenset[int]:
        """Items that failed for no fault of theirs: the failures in a row of one that tripped."""
        return frozenset(self._in_a_row if self.has_tripped else ())
