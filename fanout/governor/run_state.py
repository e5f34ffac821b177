"""What governs an attempt of a run: its rows, and what they say together.

Each row is one model here, changed by pure rules (`run_rules`, `control_rules`, `grants`) and
written under its ETag by activities and starters (`fanout.adapters.rows.attempts`). No shard writes
another's row.
"""

from pydantic import BaseModel, ConfigDict, Field

from fanout.governor.counts import count_items, merge_errors
from fanout.governor.timeline import Timeline, merge_timelines
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, Verdict
from fanout.messages.shards import ShardCounts, ShardOrder, ShardWork, StopReason
from fanout.models.limits import Limits, LimitsChange
from fanout.models.moment import Moment
from fanout.models.request import OnExceeded
from fanout.models.status import ErrorGroup, ItemCounts, PartitionCounts, Phase, TakeOver
from fanout.models.usage import Usage
from fanout.naming.row_keys import Stage, parse_shard_row, shard_row
from fanout.policies import count_given_up, is_exceeded


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class Held(_Row):
    """What a shard was granted.

    Attributes:
        batches: How many batches it may have in flight.
        items: How many items the rate was charged for it.
    """

    batches: int
    items: float


class RunState(_Row):
    """The row `run`: what is planned, how far the attempt is, and how it ended.

    Times are ISO 8601 in UTC.

    Attributes:
        claim: What tells this run from an earlier one of the same id that was deleted.
        claimed_at: When the run was claimed; None in rows of earlier versions of the app.
        settled: What earlier attempts had settled when this one began.
        work: What the shards share in the stage that is under way.
        verdict: What was decided when the shards were through.
        undo: What there is to compensate, once that is known.
        end: How it ended; nothing of the attempt may begin any more.
        is_announced: Whether everybody has been told of its end; at once where nobody listens.
        take_overs: When its orchestration had failed and was begun anew, and why.
        usage: What it has used; None before it has ended.
    """

    claim: str = ""
    claimed_at: Moment | None = None
    phase: Phase = "planning"
    plan: PlanResult | None = None
    settled: ItemCounts = ItemCounts()
    work: Work = Work()
    verdict: Verdict | None = None
    undo: Work | None = None
    started_at: Moment | None = None
    updated_at: Moment | None = None
    end: RunEnd | None = None
    is_announced: bool = False
    take_overs: list[TakeOver] = Field(default_factory=list)
    usage: Usage | None = None

    @property
    def has_begun_undo(self) -> bool:
        """Whether the run is to undo what it did, by this attempt's verdict or an earlier one's."""
        is_decided = self.verdict is not None and self.verdict.compensates
        return is_decided or (self.plan is not None and self.plan.undoes)


class ControlState(_Row):
    """The row `control`: what people have asked of the attempt.

    Attributes:
        change: All changes of the limits in one.
        changes: How many changes there were.
        suspended_at: Since when nothing may begin; None if it may.
        is_cancelled: Whether nothing more may begin.
        is_closed: Whether the shards are through: it is too late to cancel.
    """

    change: LimitsChange = LimitsChange()
    changes: int = 0
    suspended_at: Moment | None = None
    is_cancelled: bool = False
    is_closed: bool = False


class ShardState(_Row):
    """The row of one shard, which it alone writes.

    Attributes:
        call: The number of its last question that was answered.
        order: The answer to that.
        work: Where it was when it asked.
        errors: The most frequent kinds of failure, by ``type: message``.
        held: What it was granted and has not reported yet.
        reason: Why it was to stop; None while it goes on.
        span: How many cuts its batches took last.
        item_ms: How long an item takes, on an average in which the latest waves count most; None
            before the first.
        timeline: What it did when, for people to look at.
        updated_at: When it last asked, ISO 8601 in UTC.
    """

    call: int = 0
    order: ShardOrder | None = None
    work: ShardWork | None = None
    errors: dict[str, ErrorGroup] = Field(default_factory=dict)
    held: Held | None = None
    reason: StopReason | None = None
    span: int = 1
    item_ms: float | None = None
    timeline: Timeline = Timeline()
    updated_at: Moment | None = None

    @property
    def sequence(self) -> int:
        """How many finished waves of it are counted."""
        return self.work.sequence if self.work else 0

    @property
    def counts(self) -> ShardCounts:
        """What its finished waves came to."""
        return self.work.counts if self.work else ShardCounts()


class PaceState(_Row):
    """The row `rate`: when the run's own rate lets the next item begin.

    Attributes:
        free_at: When the next item may begin, ISO 8601 in UTC; None is at once.
        changes: How many changes of the limits it knows of: another one starts it anew.
    """

    free_at: Moment | None = None
    changes: int = 0


class GovernorState(_Row):
    """All rows of an attempt, and what they say together."""

    run: RunState = RunState()
    control: ControlState = ControlState()
    pace: PaceState = PaceState()
    shards: dict[str, ShardState] = Field(default_factory=dict)

    @property
    def has_begun(self) -> bool:
        """Whether its orchestration has made itself known."""
        return self.run.started_at is not None

    @property
    def is_over(self) -> bool:
        """Whether the attempt has ended."""
        return self.run.end is not None

    @property
    def phase(self) -> Phase:
        """How far it is."""
        return "done" if self.is_over else self.run.phase

    @property
    def limits(self) -> Limits:
        """Those in force."""
        planned_limits = self.run.plan.limits if self.run.plan else Limits()
        return self.control.change.apply_to(planned_limits)

    @property
    def on_exceeded(self) -> OnExceeded:
        """What is to be done when too many items fail."""
        return self.run.plan.on_exceeded if self.run.plan else "stop"

    @property
    def items(self) -> ItemCounts:
        """How many items have which outcome; at the end, as the result files have them."""
        end = self.run.end
        if end is not None and end.items.total:
            return end.items
        return count_items(self.run.settled, self.counts("process"), self.counts("compensate"))

    def counts(self, stage: Stage) -> ShardCounts:
        """What the shards of a stage came to, as far as their rows tell."""
        total = ShardCounts()
        for shard in self.shards.values():
            if shard.work is not None and shard.work.stage == stage:
                total = total.plus(shard.work.counts)
        return total

    @property
    def partitions(self) -> PartitionCounts:
        """Partitions of the plan, and how many of them are done."""
        work = self.run.plan.work if self.run.plan else Work()
        shard_works = (shard.work for shard in self.shards.values() if shard.work is not None)
        done = (shard.partitions_done for shard in shard_works if shard.stage == "process")
        return PartitionCounts(total=work.partitions, done=sum(done))

    @property
    def retries(self) -> int:
        """Tries of items beyond the first."""
        return self.counts("process").retries + self.counts("compensate").retries

    @property
    def errors(self) -> dict[str, ErrorGroup]:
        """Kinds of failure by ``type: message``."""
        total: dict[str, ErrorGroup] = {}
        for shard in self.shards.values():
            total = merge_errors(total, [*shard.errors.values()])
        return total

    @property
    def held(self) -> dict[str, Held]:
        """What each shard was granted that has not reported yet."""
        if self.is_over or (self.run.verdict is not None and not self.run.verdict.compensates):
            return {}
        return {key: shard.held for key, shard in self.shards.items() if shard.held is not None}

    @property
    def timeline(self) -> Timeline:
        """What the shards did when."""
        keys = ((parse_shard_row(key), shard.timeline) for key, shard in self.shards.items())
        return merge_timelines([(key.number, shown) for key, shown in keys if key is not None])

    @property
    def updated_at(self) -> str | None:
        """When anything was last heard of it."""
        heard = [self.run.updated_at, *(shard.updated_at for shard in self.shards.values())]
        return max((at for at in heard if at is not None), default=None)

    @property
    def has_exceeded(self) -> bool:
        """Whether more items have failed than the run tolerates, as far as the rows tell."""
        if self.on_exceeded == "continue":
            return False
        if any(shard.reason == "exceeded" for shard in self.shards.values()):
            return True
        given_up = count_given_up(self.items, self.on_exceeded)
        return is_exceeded(self.limits.tolerance, given_up, self.items.total)

    def shards_of(self, work: ShardWork) -> dict[str, ShardState]:
        """The rows of all shards that share this work; one without a row gets an empty one."""
        keys = [shard_row(number, work.stage) for number in range(work.shards)]
        return {key: self.shards.get(key, ShardState()) for key in keys}

    def with_shard(self, key: str, shard: ShardState) -> "GovernorState":
        """These rows with another of one shard."""
        return self.model_copy(update={"shards": {**self.shards, key: shard}})
