"""Whole runs in this thread: the real orchestrators, whose activities answer at once.

An activity may die at any write, as often as a test likes: then the host delivers it again.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from activities.batches.compensate_batch import compensate
from activities.batches.fence import Fence
from activities.batches.process_batch import process
from activities.batches.steer import steer_shard
from activities.endings.finish import end_attempt
from activities.endings.settle import settle_and_end
from activities.planning.begin import admit_and_plan
from activities.planning.plan_compensation import plan_undo_once
from activities.planning.scout import Scouting
from activities.results.finalize import finalize_run
from activities.results.lay_out import lay_out_run
from activities.results.merge_partials import merge_level
from activities.results.write_results import write_range
from activities.sagas.close_sagas import close_batch
from activities.sagas.find_undo import find_undo_of
from activities.sagas.run_sagas import run_batch
from activities.sagas.saga_files import write_record
from activities.sagas.saga_step import try_step
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.messages.batches import BatchRef, ProcessAsk
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import FinishAsk, FinishResult, SettleAsk
from fanout.messages.fan_in import FinalizeAsk, LayOutAsk, MergeRef, RangeRef
from fanout.messages.payloads import dump
from fanout.messages.run import RunEnd, RunInput, RunRef
from fanout.messages.sagas import FindUndoAsk, SagaRecord, StepCall
from fanout.messages.shards import ShardAsk
from fanout.messages.tickets import answer_ask
from fanout.naming import functions, instance_ids
from orchestrators import fan_in, run, saga, shard
from tests.support.doubles.crashes import DeathError

ORCHESTRATORS = {
    functions.RUN: run.run,
    functions.SHARD: shard.shard,
    functions.FAN_IN: fan_in.fan_in,
    functions.SAGA: saga.saga,
    functions.SAGA_BATCH: saga.saga_batch,
}
MOST_TRIES = 5


@dataclass
class Done:
    """A task that has ended, or (an event) never does.

    Attributes:
        result: What it gave; of one that failed, the exception.
    """

    result: Any = None
    is_completed: bool = True

    def cancel(self) -> None:
        """A timer that nobody waits for any more."""


@dataclass
class Inline:
    """Carries out orchestrations, each activity when it is called.

    Attributes:
        called: The names of all activities that were called, in order.
        tell: Raises an event.
        repeat: Names of activities that are carried out twice, and whose second answer counts.
        max_bytes: How long a result file of outcomes gets.
        latest: How far the clock of any orchestration has come by its timers.
    """

    files: RunFiles
    rows: Rows
    called: list[str] = field(default_factory=list)
    tell: Callable[..., None] = lambda *_: None
    repeat: set[str] = field(default_factory=set)
    max_bytes: int = 10**9
    is_scouting: bool = True
    latest: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    def run(self, ref: RunInput) -> RunEnd:
        """Carry out an attempt of a run from its beginning, as the host does."""
        instance = instance_ids.attempt_instance(ref.run_id, ref.attempt)
        return RunEnd.model_validate(self.orchestrate(functions.RUN, dump(ref), instance))

    def orchestrate(self, name: str, given: Any, instance: str) -> Any:
        """Carry out an orchestration, in as many histories as it takes."""
        orchestrator = ORCHESTRATORS[name]._function.get_user_function().orchestrator_function
        while True:
            context = InlineContext(self, given, instance)
            result = _drive(orchestrator(context))
            if context.next_input is None:
                return result
            given = context.next_input

    def call(self, name: str, message: dict[str, Any]) -> Any:
        """Carry out an activity; one that dies is delivered again."""
        self.called.append(name)
        times = 2 if name in self.repeat else 1
        for _ in range(times):
            answer = self._deliver(name, message)
        return answer

    def _deliver(self, name: str, message: dict[str, Any]) -> Any:
        while True:
            try:
                return answer_ask(message, self._activity(name)(message))
            except DeathError:
                continue

    def begin(self, ask: BeginAsk) -> Any:
        """Let a run begin, with a scout or without."""
        scouting = Scouting(self.tell, self.max_bytes) if self.is_scouting else None
        return admit_and_plan(ask, self.files, self.rows, scouting=scouting)

    def _activity(self, name: str) -> Callable[[dict[str, Any]], Any]:
        files, rows, max_bytes = self.files, self.rows, self.max_bytes
        known: dict[str, tuple[Any, Callable[..., Any]]] = {
            functions.BEGIN: (BeginAsk, self.begin),
            functions.STEER: (ShardAsk, lambda ask: steer_shard(ask, rows)),
            functions.PROCESS_BATCH: (ProcessAsk, lambda ask: process(ask, files, rows, self.tell)),
            functions.SETTLE: (
                SettleAsk,
                lambda ask: settle_and_end(ask, files, rows, max_bytes, self.tell),
            ),
            functions.FINISH: (
                FinishAsk,
                lambda ask: FinishResult(end=end_attempt(ask, files, rows, self.tell)),
            ),
            functions.PLAN_COMPENSATION: (RunRef, lambda ref: plan_undo_once(ref, files, rows)),
            functions.COMPENSATE_BATCH: (BatchRef, lambda ref: compensate(ref, files, rows)),
            functions.LAY_OUT: (LayOutAsk, lambda ask: lay_out_run(ask, files, max_bytes)),
            functions.WRITE_RESULTS: (RangeRef, lambda ref: write_range(ref, files, max_bytes)),
            functions.MERGE_PARTIALS: (MergeRef, lambda ref: merge_level(ref, files)),
            functions.FINALIZE: (FinalizeAsk, lambda ask: finalize_run(ask, files)),
            functions.RUN_SAGAS: (
                BatchRef,
                lambda ref: run_batch(ref, files, rows, Fence.around(ref, rows)),
            ),
            functions.SAGA_STEP: (
                StepCall,
                lambda call: try_step(call, files, rows, Fence.around(call.batch, rows)),
            ),
            functions.FIND_UNDO: (FindUndoAsk, lambda ask: find_undo_of(ask, files)),
            functions.RECORD_SAGA: (SagaRecord, partial(_record, files)),
            functions.CLOSE_SAGAS: (BatchRef, lambda ref: close_batch(ref, files)),
        }
        model, act = known[name]
        return lambda message: _dumped(act(model.model_validate(message)))


def _record(files: RunFiles, record: SagaRecord) -> str:
    write_record(files, record)
    return record.end.status


def _dumped(answer: Any) -> Any:
    return dump(answer) if hasattr(answer, "model_dump") else answer


def _drive(steps: Generator[Any, Any, Any]) -> Any:
    """Give an orchestrator what its tasks come to, until it returns."""
    try:
        task = next(steps)
        while True:
            failed = isinstance(task.result, Exception)
            task = steps.throw(task.result) if failed else steps.send(task.result)
    except StopIteration as end:
        return end.value


class InlineContext:
    """What an orchestrator sees of the engine; its clock stands still but for timers."""

    def __init__(self, inline: Inline, given: Any, instance: str) -> None:
        self.instance_id = instance
        self.next_input: Any = None
        self.current_utc_datetime = max(datetime.now(UTC).replace(tzinfo=None), inline.latest)
        self._inline, self._given = inline, given

    def get_input(self) -> Any:
        return self._given

    def continue_as_new(self, given: Any) -> None:
        self.next_input = given

    def call_activity(self, name: str, message: Any) -> Done:
        try:
            return Done(self._inline.call(name, message))
        except Exception as failure:
            return Done(failure)

    def call_activity_with_retry(self, name: str, _: Any, message: Any) -> Done:
        for _try in range(MOST_TRIES):
            done = self.call_activity(name, message)
            if not isinstance(done.result, Exception):
                break
        return done

    def call_sub_orchestrator(self, name: str, given: Any, instance: str) -> Done:
        try:
            return Done(self._inline.orchestrate(name, given, instance))
        except Exception as failure:
            return Done(failure)

    def create_timer(self, fires: datetime) -> Done:
        self.current_utc_datetime = max(self.current_utc_datetime, fires)
        self._inline.latest = max(self._inline.latest, self.current_utc_datetime)
        return Done()

    def wait_for_external_event(self, name: str) -> Done:
        return Done(is_completed=False)

    def task_all(self, tasks: list[Done]) -> Done:
        failures = [task.result for task in tasks if isinstance(task.result, Exception)]
        return Done(failures[0] if failures else [task.result for task in tasks])

    def task_any(self, tasks: list[Done]) -> Done:
        return Done(next(task for task in tasks if task.is_completed))
