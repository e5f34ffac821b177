"""The fence around an attempt of a run: once it has ended, or is deleted, nothing of it begins."""

import time
from dataclasses import dataclass

from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.rows.rows import Rows
from fanout.errors import AttemptOverError
from fanout.governor.run_state import RunState
from fanout.messages.run import RunRef
from fanout.naming import row_keys

# Batches of a process that come soon after each other look once.
LOOK_EVERY_SECONDS = 1.0
MAX_KEPT = 1000
_seen: dict[tuple[str, int, str], tuple[float, bool]] = {}


@dataclass(frozen=True)
class Fence:
    """Tells whether an attempt still goes on; None of `rows` is one that always does."""

    run_id: str
    attempt: int = 1
    claim: str = ""
    rows: Rows | None = None

    @classmethod
    def around(cls, ref: RunRef, rows: Rows | None) -> "Fence":
        """The fence around the attempt that a message is about."""
        return cls(ref.run_id, ref.attempt, ref.claim, rows)

    @property
    def is_over(self) -> bool:
        """Whether the attempt has ended, as far as was known a second ago.

        Raises:
            Exception: Storage does not answer, and nothing is known yet. Later on that would lose
                what a batch has done, so the attempt is taken to go on.
        """
        if self.rows is None:
            return False
        key = (self.run_id, self.attempt, self.claim)
        seen, now = _seen.get(key), time.monotonic()
        if seen is not None and (seen[1] or now - seen[0] < LOOK_EVERY_SECONDS):
            return seen[1]
        try:
            is_over = self._look(self.rows)
        except Exception as error:
            if seen is None or not is_infrastructure(error):
                raise
            is_over = False
        _keep_seen(key, is_over=is_over)
        return is_over

    def _look(self, rows: Rows) -> bool:
        partition = row_keys.attempt_partition(self.run_id, self.attempt)
        run = rows.load(partition, row_keys.RUN_ROW, RunState)
        return run.end is not None or run.claim != self.claim

    def note_open(self) -> None:
        """Take note that the attempt goes on: whoever says so has just written its rows."""
        _keep_seen((self.run_id, self.attempt, self.claim), is_over=False)

    def insist_on_open(self) -> None:
        """Let nothing begin once the attempt has ended.

        Raises:
            AttemptOverError: It has.
        """
        if self.is_over:
            raise AttemptOverError("the attempt of the run had ended")


def _keep_seen(key: tuple[str, int, str], *, is_over: bool) -> None:
    if len(_seen) >= MAX_KEPT:
        _seen.clear()
    _seen[key] = (time.monotonic(), is_over)


NO_FENCE = Fence("")
