"""The log of a batch of sagas: rows that are only added, one for each wave of steps.

The first row says that somebody carries the batch out; whoever finds one adds an entry that is the
last. Each row must be new, so one of the two adds the next and the other hears of it: nobody goes
on with a batch that was taken out of its hands, and all read the same log in the end.
"""

import time
from dataclasses import dataclass

from fanout.adapters.rows.rows import Rows, unpack_model
from fanout.messages.batches import BatchRef
from fanout.messages.sagas import SagaWave, StepNote
from fanout.naming import row_keys


@dataclass(frozen=True)
class SagaLog:
    """The log of a batch."""

    rows: Rows
    ref: BatchRef

    def begin(self) -> SagaWave | None:
        """Make the first entry, which has no steps; None if there is one."""
        wave = SagaWave(at_ms=now_ms())
        return wave if self._create(0, wave) else None

    def add(self, number: int, notes: list[StepNote]) -> SagaWave | None:
        """Add an entry; None if another has made that row."""
        wave = SagaWave(at_ms=now_ms(), notes=notes)
        if self._create(number, wave):
            return wave
        # An answer may have been lost, and the row be ours.
        return wave if self.read()[number:] == [wave] else None

    def read(self) -> list[SagaWave]:
        """All entries, in order."""
        rows = self.rows.read_all(self._partition, self._prefix)
        return [unpack_model(row, SagaWave) for row in rows.values()]

    def close(self) -> list[SagaWave]:
        """Let nothing be added any more; gives all entries."""
        waves = self.read()
        while not waves[-1].is_last:
            self._create(len(waves), SagaWave(at_ms=now_ms(), is_last=True))
            waves = self.read()
        return waves

    def _create(self, number: int, wave: SagaWave) -> bool:
        key = row_keys.wave_row(self._prefix, number)
        return self.rows.create(self._partition, key, wave)

    @property
    def _partition(self) -> str:
        return row_keys.steps_partition(self.ref.run_id, self.ref.attempt)

    @property
    def _prefix(self) -> str:
        name = self.ref.name
        return row_keys.wave_prefix(
            name.partition, name.retry_round, name.first_cut, self.ref.claim
        )


def now_ms() -> int:
    """The time by this process's clock: milliseconds since 1970."""
    return int(time.time() * 1000)
