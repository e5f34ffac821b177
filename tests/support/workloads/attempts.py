"""Attempts of runs made by hand: their rows, and shards that ask how to go on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fanout.adapters.rows.rows import Rows
from fanout.governor import grants, run_rules
from fanout.governor.run_state import ControlState, GovernorState, RunState
from fanout.messages.batches import WaveTally
from fanout.messages.ending import SettleAsk
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, RunRef
from fanout.messages.shards import ShardAsk, ShardOrder, ShardWork
from fanout.models.limits import Limits
from fanout.models.request import Tolerance
from fanout.naming.row_keys import Stage
from tests.support.doubles.memory_tables import MemoryTables

START = datetime(2026, 1, 1, tzinfo=UTC)
CLAIM = "claim"


def at(seconds: float = 0.0) -> str:
    """A moment so many seconds after `START`, ISO 8601 in UTC."""
    return (START + timedelta(seconds=seconds)).isoformat()


def memory_rows() -> Rows:
    """Rows that nobody else has."""
    return Rows(MemoryTables(), "fanoutruns")


def plan_of(
    items: int = 100, tolerance: Tolerance | None = None, *, width: int = 16, **more: Any
) -> PlanResult:
    """A plan; what is not of a `PlanResult` is of its `Work`."""
    plan = {name: more.pop(name) for name in [*more] if name in PlanResult.model_fields}
    work = Work(
        **(
            {
                "items": items,
                "cuts": 50,
                "partitions": 10,
                "cuts_per_partition": 5,
                "shards": 2,
            }
            | more
        )
    )
    limits = Limits(batches_in_flight=width, tolerance=tolerance or Tolerance())
    return PlanResult(**({"work": work, "limits": limits} | plan))


def opened(seconds: float = 0.0, claim: str = CLAIM) -> GovernorState:
    """The rows of an attempt that has just begun."""
    return GovernorState(run=run_rules.open_run(RunState(), at(seconds), claim, is_queued=False))


def begun(plan: PlanResult | None = None, seconds: float = 0.0, **of_plan: Any) -> GovernorState:
    """The rows of an attempt that is planned."""
    state = opened(seconds)
    run = run_rules.note_plan(state.run, plan or plan_of(**of_plan), at(seconds))
    return state.model_copy(update={"run": run})


def controlled(state: GovernorState, control: ControlState) -> GovernorState:
    """These rows with another of what people asked for."""
    return state.model_copy(update={"control": control})


def shard_of(
    state: GovernorState, number: int = 0, stage: Stage = "process", **update: Any
) -> ShardWork:
    """Where a shard of an attempt is that has done nothing yet."""
    plan = state.run.plan or PlanResult()
    work = state.run.undo if stage == "compensate" and state.run.undo else plan.work
    ref = RunRef(run_id="r", claim=state.run.claim)
    return ShardWork.first(ref, plan, work, number, stage).model_copy(update=update)


def after_wave(work: ShardWork, *, partitions: int = 0, **tally: Any) -> ShardWork:
    """Where a shard is that has finished another wave, which came to that."""
    counted = WaveTally(**tally)
    return work.model_copy(
        update={
            "call": work.call + 1,
            "sequence": work.sequence + 1,
            "counts": work.counts.plus(counted),
            "tally": counted,
            "partitions_done": work.partitions_done + partitions,
        }
    )


def decided(
    state: GovernorState, work: ShardWork, seconds: float = 0.0
) -> tuple[GovernorState, ShardOrder]:
    """Have a shard ask; gives the rows as they are then, and the answer."""
    found = grants.decide(state, ShardAsk(work=work, at=at(seconds)))
    changed = state.with_shard(work.key, found.shard).model_copy(update={"pace": found.pace})
    return changed, found.order


def report_wave(
    state: GovernorState, number: int = 0, **tally: Any
) -> tuple[GovernorState, ShardOrder]:
    """Have a shard report its next wave; gives the rows as they are then, and the answer."""
    known = state.shards.get(f"s{number:02d}")
    before = known.work if known and known.work else shard_of(state, number)
    return decided(state, after_wave(before, **tally))


def settle_attempt(state: GovernorState, **asked: Any) -> GovernorState:
    """The rows when the shards are through; without `counts`, what the rows themselves tell."""
    answer = {"run_id": "r", "counts": state.counts("process"), "at": at()} | asked
    return run_rules.settle(state, SettleAsk(**answer))


def finish_attempt(state: GovernorState, end: RunEnd) -> GovernorState:
    """The rows of an attempt that has ended."""
    return state.model_copy(update={"run": run_rules.finish(state.run, end)})
