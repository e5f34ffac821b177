"""How a run is carried out: how many batches, waves and shards, and so its shape.

How many there are is reckoned as the product forecasts it (`fanout.pricing.forecast`), and by the
product's own limits; what follows from a shape is in `shape`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from activities.results.lay_out import MAX_BATCHES_A_RANGE
from bench.azure_model import facts
from bench.azure_model.facts import ITEM_SECONDS
from bench.azure_model.shape import Answers, Execution, Orchestration, Step
from fanout.adapters.settings import DEFAULT_MAX_RESULT_FILE_BYTES, DEFAULT_SCAN_RANGE_BYTES
from fanout.messages.fan_in import RANGES_AT_ONCE
from fanout.pricing.forecast import EXPECTED, Forecast, Job, size_waves
from fanout.splitting.sizing import BATCHES_A_SHARD, shard_count
from orchestrators.planning import SCANS_AT_ONCE
from orchestrators.waves import EVENT_BUDGET, EVENTS_A_BATCH, EVENTS_A_STEP

ANSWERS_A_TURN = int(min(facts.ANSWERS_A_TURN.value, facts.DISPATCH.value))


@dataclass(frozen=True)
class Load:
    """What a run has to do.

    Attributes:
        item_seconds: How long an item takes.
        computes: Whether it keeps a core busy meanwhile, or waits for somebody else.
        item_bytes: In the source; an outcome has as many.
        items_at_once: In a batch; more than one where `process` is async.
    """

    items: int
    item_seconds: float
    computes: bool = False
    item_bytes: int = 150
    items_at_once: int = 1

    @property
    def batch_item_seconds(self) -> float:
        """How long a batch takes for an item, on a core that it has for itself."""
        return self.item_seconds / self.items_at_once + ITEM_SECONDS.value

    @property
    def core_seconds(self) -> float:
        """How long an item keeps a core busy."""
        return ITEM_SECONDS.value + (self.item_seconds if self.computes else 0)


@dataclass(frozen=True)
class Plan:
    """What the scheme makes of a load.

    Attributes:
        scout_items: Items that the first activity does itself.
        batch_items: Items of a batch.
        batches: Of all shards.
        shards: Children; 0 where the run works off a single one itself, or has no batches.
        width: Batches of a wave of a shard.
        waves: Of a shard, one after the other.
        scans: Activities that read the source for its cuts.
        ranges: Activities that write results.
    """

    scout_items: int
    batch_items: int
    batches: int
    shards: int
    width: int
    waves: int
    scans: int
    ranges: int

    @property
    def has_fan_in(self) -> bool:
        """Whether results take an orchestration of their own."""
        return self.ranges > 1

    @property
    def shape(self) -> Orchestration:
        """The orchestration of the run with its children."""
        working = Execution(tuple(self._steps()))
        return Orchestration((*self._scanning, working))

    @property
    def _scanning(self) -> tuple[Execution, ...]:
        """The scans of a large source, in a history of their own."""
        if not self.scans:
            return ()
        begin = Step(activities=1)
        last = Answers(activities=min(self.scans, ANSWERS_A_TURN))
        return (Execution((begin, *_in_waves(self.scans, SCANS_AT_ONCE)), last),)

    def _steps(self) -> Iterator[Step]:
        yield Step(activities=1)  # begin
        if not self.batches:
            return
        if self.shards:
            yield Step(children=(self._shard,), turns=_turns(self.shards))
        else:
            yield from self._waves(self.waves)
        yield Step(activities=1)  # settle
        if self.has_fan_in:
            yield Step(activities=1)  # lay out
            yield Step(children=(self._fan_in,))
            yield Step(activities=1)  # finish

    @property
    def _shard(self) -> Orchestration:
        """A shard: as many waves a history as that has room for."""
        events = EVENTS_A_STEP + EVENTS_A_BATCH * self.width
        fitting = min(self.waves, ceil(EVENT_BUDGET / events))
        full, rest = divmod(self.waves, fitting)
        last = Answers(activities=1)
        executions = [Execution(self._waves(fitting), last, full)]
        if rest:
            executions.append(Execution(self._waves(rest), last))
        # The last asks once more, and is told that there is nothing left.
        executions.append(Execution((Step(activities=1),)))
        return Orchestration(tuple(executions), self.shards)

    def _waves(self, waves: int) -> tuple[Step, ...]:
        """Each asks how to go on, and waits for its batches."""
        batches = Step(activities=self.width, turns=_turns(self.width), times=waves)
        return Step(activities=1, times=waves), batches

    @property
    def _fan_in(self) -> Orchestration:
        """A wave of ranges a history, and the last with the end."""
        full, rest = divmod(self.ranges, RANGES_AT_ONCE)
        wave = Step(activities=RANGES_AT_ONCE, turns=_turns(RANGES_AT_ONCE))
        last = Answers(activities=min(RANGES_AT_ONCE, ANSWERS_A_TURN))
        ending = Execution((*_in_waves(rest, RANGES_AT_ONCE), Step(activities=1)))
        return Orchestration((Execution((wave,), last, full), ending))


def _turns(answers: int) -> int:
    """How many turns so many answers take."""
    return ceil(answers / ANSWERS_A_TURN)


def _in_waves(count: int, width: int) -> tuple[Step, ...]:
    """Activities in waves of so many at once."""
    full, rest = divmod(count, width)
    waves = Step(activities=width, turns=_turns(width), times=full)
    return (waves, *([Step(activities=rest, turns=_turns(rest))] if rest else []))


def plan_run(load: Load, batches_in_flight: int) -> Plan:
    """What a run with default batches comes to."""
    in_box = int(EXPECTED.first_box_seconds / load.batch_item_seconds)
    scout_items = min(load.items, max(1, in_box))
    rest = load.items - scout_items
    batch_items = _batch_items(load, rest, batches_in_flight)
    batches = ceil(rest / batch_items)
    shards = shard_count(batches_in_flight) if batches > BATCHES_A_SHARD else 1
    waves = size_waves(batches, batches_in_flight, shards)
    return Plan(
        scout_items=scout_items,
        batch_items=batch_items,
        batches=batches,
        shards=shards if shards > 1 else 0,
        width=waves.width,
        waves=waves.number,
        scans=_scans(load),
        ranges=_ranges(load, batches),
    )


def _batch_items(load: Load, items: int, batches_in_flight: int) -> int:
    """Items of a batch, of those that the first activity leaves."""
    item_seconds, source_bytes = load.batch_item_seconds, items * load.item_bytes
    job = Job(items, source_bytes, item_seconds, batches_in_flight)
    batches = Forecast(job, replace(EXPECTED, first_box_seconds=0.0)).batches
    return ceil(items / batches) if batches else 1


def _scans(load: Load) -> int:
    """A source of more than two ranges is scanned range by range."""
    ranges = ceil(load.items * load.item_bytes / DEFAULT_SCAN_RANGE_BYTES)
    return ranges if ranges > 2 else 0


def _ranges(load: Load, batches: int) -> int:
    by_bytes = ceil(load.items * load.item_bytes / DEFAULT_MAX_RESULT_FILE_BYTES)
    return max(1, by_bytes, ceil(batches / MAX_BATCHES_A_RANGE))
