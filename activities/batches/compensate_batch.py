"""The activity `compensate_batch`: undoes the items of a batch that succeeded, newest first.

It never raises for an item; an item whose compensation is to be tried again stays succeeded
meanwhile.
"""

import inspect
import time
from collections.abc import Container
from contextlib import closing
from datetime import timedelta
from typing import Any

from pydantic_core import from_json, to_json

from activities.batches.batch import Processed
from activities.batches.cut_reader import read_cut
from activities.batches.event_loop import run_coroutine
from activities.batches.fence import Fence
from activities.batches.item_errors import error_info
from activities.batches.item_files import RunItemFiles
from activities.memory.batch_memory import hold_for_items
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import (
    RunFiles,
    files_of,
    kept_partition,
    kept_request,
)
from fanout.adapters.run_files.intact import read_part, write_part
from fanout.adapters.run_files.part_reader import read_lines
from fanout.adapters.run_files.parts import newest_before
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.adapters.spool import Spool
from fanout.adapters.telemetry.logs import bind_task, logger
from fanout.errors import FanoutError, PermanentError, SourceChangedError
from fanout.messages.batches import BatchRef, BatchResult
from fanout.models.outcome import ErrorInfo
from fanout.naming import blob_paths, functions
from fanout.naming.idempotency_keys import item_key
from fanout.outcomes.lines import status_of
from fanout.outcomes.reopening import UNDO_AWAY_SINCE, UNDO_RETRY_AFTER, UNDO_TRIES
from fanout.policies import is_patience_over, outage_rest_seconds
from fanout.records import Chunk
from fanout.splitting.records import parse_records
from fanout.workload import Context, MapWorkload
from workloads import registry

log = logger(functions.COMPENSATE_BATCH)


def compensate_batch(ask: BatchRef) -> BatchResult:
    """Compensate a batch."""
    return compensate(ask, files_of(ask), rows())


def compensate(ref: BatchRef, files: RunFiles, rows: Rows | None = None) -> BatchResult:
    """Undo what succeeded in a batch, or (in a later round) what is left of it.

    Args:
        ref: Which batch.
        files: Where the run is kept.
        rows: They say when its attempt has ended; None never ends it.
    """
    generation = blob_paths.generation(ref.attempt, "compensate")
    before = _read_outcomes_before(ref, files, generation)
    path = blob_paths.part_path(ref.run_id, generation, ref.name)
    if ref.is_repeated and files.exists(path):
        return result_of_undo_part(before, read_part(files, path))
    fence = Fence.around(ref, rows)
    lines = before.splitlines(keepends=True)
    started = time.perf_counter()
    to_undo = {n: line for n, line in enumerate(lines) if status_of(line) == "succeeded"}
    processed = Processed()
    if to_undo:
        indices = {int(from_json(line)["index"]) for line in to_undo.values()}
        with closing(_Undo(ref, files, generation)) as undo:
            undo.read_items(files, indices)
            for number, line in reversed(to_undo.items()):
                if fence.is_over:
                    processed.count_untried()
                else:
                    lines[number] = undo.undo_line(line, processed)
    processed.work_ms = (time.perf_counter() - started) * 1000
    if not write_part(files, path, b"".join(lines)):
        return result_of_undo_part(before, read_part(files, path))
    log.debug("wrote %s", path, extra={"duration_ms": processed.work_ms})
    return processed.result


def result_of_undo_part(before: bytes, part: bytes) -> BatchResult:
    """Tell what a round of compensation came to, from the outcomes before it and its part file."""
    processed = Processed(work_ms=None)
    pairs = zip(before.splitlines(), part.splitlines(), strict=True)
    for old, new in reversed([*pairs]):
        if status_of(old) != "succeeded":
            continue
        if old == new:
            processed.count_untried()
            continue
        outcome = from_json(new)
        processed.retries += from_json(old).get(UNDO_TRIES, 0) > 0
        if outcome["status"] == "compensated":
            processed.succeeded += 1
        elif outcome["status"] == "compensation_failed":
            fault = ErrorInfo.model_validate(outcome["error"])
            processed.count_failed(fault, outcome["item_id"])
        else:
            left_alone = outcome.get(UNDO_RETRY_AFTER)
            processed.count_retryable(ErrorInfo(type="", message="", retry_after=left_alone))
    return processed.result


def _read_outcomes_before(ref: BatchRef, files: RunFiles, generation: str) -> bytes:
    lines = newest_before(files, ref, generation)
    if lines is not None:
        return lines
    origin = kept_partition(files, ref.run_id, ref.partition, generation).origins[ref.first_cut]
    if origin.part is None:
        raise ValueError("a batch that nobody processed is not planned to be compensated")
    return read_lines(files, origin)


class _Undo:
    """Compensates the items of one batch in one round."""

    def __init__(self, ref: BatchRef, files: RunFiles, generation: str) -> None:
        request = kept_request(files, ref.run_id, ref.attempt)
        workload = registry.get(request.workload)
        if not isinstance(workload, MapWorkload):
            raise TypeError(f"the workload '{workload.name}' has no items to compensate")
        self._workload = workload
        self._ref = ref
        self._max_tries = request.retry.max_attempts
        self._parameters = workload.parameters_model.model_validate(request.parameters)
        self._request = request
        self._cut = kept_partition(files, ref.run_id, ref.partition, generation).cuts[ref.first_cut]
        self._files = RunItemFiles.for_run(request, ref.run_id, files)
        self._items = Spool()
        self._fault: FanoutError | None = None

    def read_items(self, files: RunFiles, to_undo: Container[int]) -> None:
        """Have those items at hand that are to be undone: the newest is the first of them."""
        try:
            with hold_for_items(files, self._ref, self._cut):
                # The first stays in memory until the last item is undone, and is not counted.
                free, run_id = files.budget.free, self._ref.run_id
                for piece in read_cut(files, run_id, self._request, self._cut, free):
                    self._items.add(read_values(piece, to_undo))
        except (BrokenSourceError, SourceChangedError) as fault:
            self._fault = fault

    def close(self) -> None:
        """Forget the items."""
        self._items.close()

    def undo_line(self, line: bytes, processed: Processed) -> bytes:
        """Compensate the item of a line, count it, and give its new line."""
        outcome = from_json(line)
        bind_task(outcome["item_id"])
        try_number = outcome.pop(UNDO_TRIES, 0) + 1
        outcome.pop(UNDO_RETRY_AFTER, None)
        processed.retries += try_number > 1
        away_since = outcome.pop(UNDO_AWAY_SINCE, None)
        raised = self._undo_item(outcome, try_number)
        if raised is None:
            processed.succeeded += 1
            return to_json(outcome | {"status": "compensated"}) + b"\n"
        error, is_outage = error_info(raised), is_infrastructure(raised)
        if is_outage:
            since, away = _time_away(away_since)
            if not is_patience_over(away):
                rest = outage_rest_seconds(away)
                processed.count_retryable(error.model_copy(update={"retry_after": rest}))
                waits = {UNDO_TRIES: try_number - 1, UNDO_RETRY_AFTER: rest}
                return to_json(outcome | waits | {UNDO_AWAY_SINCE: since}) + b"\n"
        if error.retryable and try_number < self._max_tries and not is_outage:
            processed.count_retryable(error)
            # Its first member tells the status, so the new ones go to the end.
            if error.retry_after is not None:
                outcome[UNDO_RETRY_AFTER] = error.retry_after
            return to_json(outcome | {UNDO_TRIES: try_number}) + b"\n"
        processed.count_failed(error, outcome["item_id"])
        fields = {"status": "compensation_failed", "error": error.model_dump(exclude_none=True)}
        return to_json(outcome | fields) + b"\n"

    def _undo_item(self, outcome: dict[str, Any], try_number: int) -> BaseException | None:
        """Compensate an item; gives what that raised."""
        if self._fault is not None:
            return PermanentError(str(self._fault))
        context = Context(
            run_id=self._ref.run_id,
            idempotency_key=item_key(self._ref.run_id, outcome["item_id"], "compensate"),
            attempt=try_number,
            parameters=self._parameters,
            logger=log,
            files=self._files,
        )
        try:
            item = self._workload.item_model.model_validate(self._items[outcome["index"]])
            undoing = self._workload.compensate(item, outcome["output"], context)
            if inspect.isawaitable(undoing):
                run_coroutine(_await(undoing))
        except BaseException as error:  # noqa: BLE001  whatever user code raises is an outcome
            return error
        return None


def read_values(piece: Chunk, wanted: Container[int]) -> dict[int, Any]:
    """The items of a piece that are wanted, by index."""
    records = (record for record in parse_records(piece) if record.index in wanted)
    return {record.index: record.value for record in records}


def _time_away(since: int | None) -> tuple[int, timedelta]:
    """Since when infrastructure has been away, and how long that is."""
    now = now_ms()
    first = now if since is None else since
    return first, timedelta(milliseconds=max(0, now - first))


def now_ms() -> int:
    """The time by this process's clock: milliseconds since 1970."""
    return int(time.time() * 1000)


async def _await(undoing: Any) -> None:
    await undoing
