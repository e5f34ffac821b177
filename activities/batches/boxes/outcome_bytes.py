"""How long the outcomes of a batch get: they are in memory until the batch has ended."""

from activities.batches.batch import Batch
from fanout.outcomes.outputs import OutputError

# Beyond this part of what is allowed a batch gives back the cuts that it has not begun.
_GIVE_BACK_PART = 2


class OutputTooLargeError(OutputError):
    """There is no room for an output among those of its batch."""


class OutcomeBytes:
    """The outcomes of one batch so far, by their bytes."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._size = 0
        self._has_given_back = self._may_be_long = False
        self._most = batch.max_outcome_bytes // _GIVE_BACK_PART
        # Up to here nothing is to be done: one comparison an item, of which there are millions.
        self._quiet = min(self._most, batch.free_outcome_bytes)

    def take_output(self, line: bytes) -> bytes:
        """Note and give the outcome of an item that succeeded.

        Raises:
            OutputTooLargeError: There is no room for it; it is not noted.
        """
        size = self._size + len(line)
        if size > self._quiet:
            self._insist_on_room(line)
            return self.take(line)
        self._size = size
        return line

    def take(self, line: bytes) -> bytes:
        """Note and give an outcome; have the batch give back its rest where they become many."""
        self._size += len(line)
        if self._size > self._most and not self._has_given_back:
            self._has_given_back = True
            self._batch.give_back()
        return line

    def may_go_on(self, *, waits: bool) -> bool:
        """Tell whether the outcomes may become longer than they are: of one batch at a time alone.

        Args:
            waits: Whether to wait until they may.
        """
        if self._size <= self._quiet:
            return True
        is_long = self._size > self._batch.free_outcome_bytes
        if is_long and not self._may_be_long:
            self._may_be_long = self._batch.claim_long_outcomes(waits)
        return self._may_be_long or not is_long

    def _insist_on_room(self, line: bytes) -> None:
        limit = self._batch.max_outcome_bytes
        if self._size + len(line) > limit:
            raise OutputTooLargeError(
                f"its {len(line)} bytes with the outputs of its batch are over {limit}; "
                "`batch.max_items` can make batches smaller"
            )
