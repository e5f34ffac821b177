"""How long the outcomes of a batch get: they are in memory until the batch has ended."""

from activities.batches.batch import Batch
from fanout.adapters.telemetry.logs import logger
from fanout.outcomes.outputs import OutputError

log = logger("batch")
# Beyond this part of what is allowed a batch gives back the cuts that it has not begun.
_GIVE_BACK_PART = 2


class OutputTooLargeError(OutputError):
    """There is no room for an output among those of its batch."""


class OutcomeBytes:
    """The outcomes of one batch so far, by their bytes."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._limit = batch.max_outcome_bytes
        # Up to here nothing is to be done: one comparison an item, of which there are millions.
        self._few = min(batch.free_outcome_bytes, batch.max_outcome_bytes // _GIVE_BACK_PART)
        self._size = 0
        self._has_given_back = self._may_be_long = False

    def take_output(self, line: bytes, *, waits: bool = True) -> bytes:
        """Note and give the outcome of an item that succeeded, as `take` does.

        Raises:
            OutputTooLargeError: There is no room for it; it is not noted.
        """
        size = self._size + len(line)
        if size > self._few:
            self._insist_on_room(line)
            return self.take(line, waits=waits)
        self._size = size
        return line

    def take(self, line: bytes, *, waits: bool = True) -> bytes:
        """Note and give an outcome; have the batch give back its rest where they become many.

        Args:
            line: The outcome.
            waits: Whether to wait, where they become long, until they may (`may_go_on`).
        """
        self._size += len(line)
        if self._size > self._few:
            self._grow(waits=waits)
        return line

    def _grow(self, *, waits: bool) -> None:
        if self._size > self._limit // _GIVE_BACK_PART and not self._has_given_back:
            self._has_given_back = True
            self._give_back()
        if waits:
            self.may_go_on(waits=True)

    def _give_back(self) -> None:
        try:
            self._batch.give_back()
        except Exception:
            # The batch goes on with all its cuts; those of its items that are done stay done.
            log.exception("could not give back the rest of a batch")

    def may_go_on(self, *, waits: bool) -> bool:
        """Tell whether the outcomes may become longer than they are: of one batch at a time alone.

        Args:
            waits: Whether to wait until they may.
        """
        if self._size <= self._few:
            return True
        is_long = self._size > self._batch.free_outcome_bytes
        if is_long and not self._may_be_long:
            self._may_be_long = self._batch.claim_long_outcomes(waits)
        return self._may_be_long or not is_long

    def _insist_on_room(self, line: bytes) -> None:
        if self._size + len(line) > self._limit:
            raise OutputTooLargeError(
                f"its {len(line)} bytes with the outputs of its batch are over {self._limit}; "
                "`batch.max_items` can make batches smaller"
            )
