"""Fanning in: how the batches of a run are divided into ranges, and what comes of each."""

from pydantic import Field

from fanout.messages.base import Message
from fanout.messages.run import RunEnd, RunRef, SpendingRef, Verdict
from fanout.models.plan import Cut, Origin
from fanout.models.status import ItemCounts, ResultFile
from fanout.models.usage import Usage

# Activities in flight at once: a wave fits into one history, however often they are tried.
RANGES_AT_ONCE = 24
# Partials that one activity merges.
MERGED_AT_ONCE = 16


class RangePlan(Message):
    """``plan/fan-in-a1-00003-batches.json``: the batches of one range, in source order.

    Attributes:
        origins: Of each cut: where its newest outcomes are.
        size: The bytes of all its parts and partials; None in plans of earlier versions of the app.
        largest: Those of the largest part with its partial.
    """

    cuts: list[Cut] = Field(default_factory=list)
    origins: list[Origin] = Field(default_factory=list)
    size: int | None = None
    largest: int | None = None


class RangeResult(Message):
    """``plan/fan-in-a1-00003.json``: the result files of one range, and the items in them.

    Attributes:
        missing: The parts that batches of it would have, of which there are none: some of them.
    """

    items: ItemCounts = ItemCounts()
    files: list[ResultFile] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)


class Layout(Message):
    """Result of `lay_out`, also kept as ``plan/fan-in-a1.json``.

    Attributes:
        ranges: How many there are.
        has_partials: Whether a batch of them left a partial to merge.
        end: How the run ended, where one range was all and `lay_out` wrote it at once.
    """

    ranges: int
    has_partials: bool = False
    end: RunEnd | None = None


class LayOutAsk(SpendingRef):
    """Input of `lay_out`."""

    verdict: Verdict = Verdict()


class RangeRef(RunRef):
    """Input of `write_results`: which range (0-based) of an attempt."""

    number: int


class MergeRef(RunRef):
    """Input of `merge_partials`: which partial of the merge tree to make.

    Attributes:
        level: Of the partial to make, 1 or more; it is merged from those of the level below.
        number: 0-based within its level.
        below: How many partials the level below has.
    """

    level: int
    number: int
    below: int

    @property
    def merged(self) -> range:
        """The numbers of the partials that it is merged from, in source order."""
        first = self.number * MERGED_AT_ONCE
        return range(first, min(first + MERGED_AT_ONCE, self.below))


class FinalizeAsk(LayOutAsk):
    """Input of `finalize`.

    Attributes:
        ranges: How many there are.
        level: Of the merge tree at which one partial is left.
    """

    ranges: int = 0
    level: int = 0


class FanInWork(SpendingRef):
    """Input of `fan_in`, and all it carries when it continues as new.

    Attributes:
        verdict: For `finalize`.
        ranges: How many there are.
        has_partials: Whether partials are to be merged.
        level: 0 while the ranges are written; above it, that of the partials being merged.
        first: The first range, or partial of the level, of the next wave.
        usage: What it had used itself before it continued as new.
    """

    verdict: Verdict = Verdict()
    ranges: int
    has_partials: bool = False
    level: int = 0
    first: int = 0
    usage: Usage = Usage()

    @property
    def wave(self) -> range:
        """The ranges, or the partials of the level, that are next; empty when all is done."""
        width = self.width_of(self.level) if self.level <= self.top else 0
        return range(self.first, min(self.first + RANGES_AT_ONCE, width))

    @property
    def after_wave(self) -> "FanInWork":
        """The work that is left when the wave is through."""
        end = self.wave.stop
        if end < self.width_of(self.level):
            return self.model_copy(update={"first": end})
        return self.model_copy(update={"level": self.level + 1, "first": 0})

    @property
    def top(self) -> int:
        """The level of the merge tree at which one partial is left; 0 with nothing to merge."""
        level = 0
        while self.has_partials and self.width_of(level) > 1:
            level += 1
        return level

    def width_of(self, level: int) -> int:
        """How many ranges there are, or partials at a level above 0."""
        width = self.ranges
        for _ in range(level):
            width = -(-width // MERGED_AT_ONCE)
        return width
