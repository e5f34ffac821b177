"""How much memory a batch may take, and which share of it each stage has."""

from dataclasses import dataclass

DEFAULT_BATCH_BYTES = 176 * 1_048_576
# An item, a cut and the outcomes of a batch have this part each: several are in memory at a time,
# for a batch is read, decoded and written down, and readers of outcomes take some at once.
_SHARE = 4
# All who work in a process at the same time have as much as so many large batches.
_BATCHES_AT_ONCE = 2
# What takes less than this part of all has no need to wait for memory.
_FREE_PART = 32


@dataclass(frozen=True)
class Budget:
    """How much memory a batch may take.

    Attributes:
        batch: Bytes of all its items that are decoded at a time (`FANOUT_MAX_BATCH_MEMORY`).
    """

    batch: int = DEFAULT_BATCH_BYTES

    @property
    def item(self) -> int:
        """How much one item may take; a larger one fails alone."""
        return max(1, self.batch // _SHARE)

    @property
    def cut(self) -> int:
        """How much the items of one cut are planned to take."""
        return max(1, self.batch // _SHARE)

    @property
    def piece(self) -> int:
        """How much is decoded of a file of columns at a time.

        It is in memory several times over: as columns, as rows, as JSON, and as what a workload
        makes of it.
        """
        return max(1, self.batch // (2 * _SHARE))

    @property
    def shared(self) -> int:
        """How much all who work in a process may take at the same time."""
        return _BATCHES_AT_ONCE * self.batch

    @property
    def free(self) -> int:
        """How much anyone may take without waiting: as many as there are threads have it."""
        return max(1, self.batch // _FREE_PART)

    @property
    def outcomes(self) -> int:
        """How long the outcomes of a batch may get, outputs included."""
        return max(1, self.batch // _SHARE)


DEFAULT_BUDGET = Budget()
