"""The activity `run_sagas`: carries out the sagas of a batch together, as far as that goes quickly.

A batch that nothing holds up is one activity. A saga that must wait, or has not ended when the time
is over, goes on by itself. So do all of a batch whose first execution has not come to its end: one
of its steps may have taken the worker with it.
"""

from contextlib import ExitStack

from activities.batches.fence import NO_FENCE, Fence
from activities.batches.item_watch import ItemWatch
from activities.sagas.saga_courses import SagaCourses
from activities.sagas.saga_files import (
    batch_path,
    find_ends,
    open_items,
    saga_steps,
    saga_workload,
    write_kept,
)
from activities.sagas.saga_items import is_open, open_batch
from activities.sagas.saga_log import SagaLog
from activities.sagas.saga_part import write_saga_part
from activities.sagas.side_by_side import work_off
from activities.sagas.step_runner import StepRunner
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.messages.batches import BatchRef
from fanout.messages.sagas import (
    KeptSaga,
    RunSagasResult,
    SagaBatch,
    SagaItem,
)


def run_sagas(ask: BatchRef) -> RunSagasResult:
    """Run the sagas of a batch."""
    return run_batch(ask, files_of(ask), rows(), Fence.around(ask, rows()))


def run_batch(
    ref: BatchRef, files: RunFiles, rows: Rows, fence: Fence = NO_FENCE
) -> RunSagasResult:
    """Carry out the sagas of a batch, and write its part file if all of them ended.

    Its items are in memory until then; of batches that are large one is at a time.
    """
    with ExitStack() as room:
        return _run_batch(ref, files, rows, fence, room)


def _run_batch(
    ref: BatchRef, files: RunFiles, rows: Rows, fence: Fence, room: ExitStack
) -> RunSagasResult:
    log = SagaLog(rows, ref)
    first = log.begin()
    if first is not None and ref.is_repeated and is_open(ref, files):
        first = None  # an earlier version of the app opened it, and its sagas go on apart
    batch = open_batch(ref, files, room, is_first=first is not None)
    items, ends = _known_ends(ref, files, batch, is_first=first is not None)
    courses = SagaCourses(ref, saga_steps(files, ref), items)
    if first is None:
        waves = log.close()
        courses.follow(waves)
    else:
        courses.follow([first])
        runner = StepRunner.for_batch(ref, files, {item.index: item for item in items})
        waves = work_off(courses, runner, log, first, fence)
        _watch(ref, files, items, courses.ends())
    _keep_failures(ref, files, items, courses.ends())
    return _answer(ref, files, batch.model_copy(update={"waves": waves}), ends | courses.ends())


def _known_ends(
    ref: BatchRef, files: RunFiles, batch: SagaBatch, *, is_first: bool
) -> tuple[list[SagaItem], dict[int, KeptSaga]]:
    """Tell the items whose sagas are to run from those whose saga has ended before, and how."""
    items = open_items(batch)
    if is_first and ref.attempt == 1:
        return items, {}
    ends = find_ends(files, ref, items)
    return [item for item in items if item.index not in ends], ends


def _keep_failures(
    ref: BatchRef, files: RunFiles, items: list[SagaItem], ends: dict[int, KeptSaga]
) -> None:
    """Write down which sagas have failed.

    Should the batch be lost, a redrive begins a new take of those; one that had succeeded goes
    through its steps again, each of which answers as it did.
    """
    for item in items:
        kept = ends.get(item.index)
        if kept is not None and kept.end.error is not None:
            write_kept(files, ref.run_id, item.start, kept)


def _answer(
    ref: BatchRef, files: RunFiles, batch: SagaBatch, ends: dict[int, KeptSaga]
) -> RunSagasResult:
    apart = [item.start for item in open_items(batch) if item.index not in ends]
    if not apart:
        return RunSagasResult(result=write_saga_part(ref, files, batch, ends))
    found = batch.model_copy(update={"apart": [start.index for start in apart]})
    files.write_model(batch_path(ref), found)
    return RunSagasResult(steps=saga_steps(files, ref), sagas=apart)


def _watch(
    ref: BatchRef, files: RunFiles, items: list[SagaItem], ends: dict[int, KeptSaga]
) -> None:
    """Have telemetry look at some of those that ended, if anybody listens."""
    name = saga_workload(kept_request(files, ref.run_id, ref.attempt).workload).name
    watch = ItemWatch.for_batch(name, len(ends))
    if watch is None:
        return
    for item in items:
        if (kept := ends.get(item.index)) is not None:
            fault = kept.end.error
            failure = None if fault is None else fault.message
            watch.note(item.item_id, kept.end.tries, kept.duration_ms, failure)
