"""The activity `finalize`: fans in. Merges partials, sorts outcomes into files, lists every file.

Everything is read from the part files, which are the last word on every item; a second time writes
the same again.
"""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from activities.result_files import ResultFiles
from fanout import ids, names
from fanout.adapters.part_reader import read_batches
from fanout.adapters.runs import RunFiles, files_of, kept_manifest, kept_request
from fanout.adapters.telemetry import logged, logger
from fanout.models.request import RunRequest
from fanout.models.status import ItemCounts, ResultManifest, RunOutcome
from fanout.models.wave import RunEnd, RunRef, Verdict
from fanout.payloads import dump
from fanout.policies import is_exceeded
from fanout.workload import ChunkWorkload
from workloads import registry

bp = df.Blueprint()
log = logger(names.FINALIZE)


@bp.activity_trigger(input_name="ref", activity=names.FINALIZE)
def finalize(ref: dict, context: func.Context) -> dict:
    """Finalize a run; shell around `finalize_run`."""
    with logged(context, ref["run_id"]):
        found = RunRef.model_validate(ref)
        return dump(finalize_run(found, files_of(found)))


def finalize_run(ref: RunRef, files: RunFiles) -> RunEnd:
    """Write the results of a run and say how it ended."""
    request = kept_request(files, ref.run_id, ref.attempt)
    manifest = kept_manifest(files, ref.run_id)
    results = ResultFiles(files, ref.run_id)
    merger = _Merger(request)
    for batch in read_batches(files, ref, manifest):
        results.sort_in(batch)
        merger.add(batch.partial)
    results.close()
    merger.render(results)
    end = end_of(request, ref.verdict, results.items)
    listed = ResultManifest(
        run_id=ref.run_id,
        workload=request.workload,
        outcome=end.outcome,
        items=end.items,
        files=results.files,
    )
    files.write_model(ids.results_manifest_path(ref.run_id), listed)
    files.write_model(ids.summary_path(ref.run_id), end)
    if ref.attempt > 1:
        _clear(files, listed)
    log.info("%s: %s", end.outcome, end.items)
    return end


def _clear(files: RunFiles, listed: ResultManifest) -> None:
    """Delete what an earlier attempt left among the results and this one did not write."""
    kept = {ids.result_path(listed.run_id, file.name) for file in listed.files}
    kept.add(ids.results_manifest_path(listed.run_id))
    for name in list(files.store.names(files.container, ids.result_path(listed.run_id, ""))):
        if name not in kept:
            files.store.delete(files.container, name)


def end_of(request: RunRequest, verdict: Verdict, items: ItemCounts) -> RunEnd:
    """Tell how a run ended, and why, by what became of its items."""
    if items.pending and verdict.is_cancelled:
        return RunEnd(outcome="cancelled", items=items)
    if is_exceeded(verdict.tolerance, items.failed, items.total):
        failures = f"{items.failed} of {items.total} items failed, more than the run's tolerance"
        # Where a success is left, compensation has not run to its end.
        if request.on_exceeded == "compensate" and not items.succeeded:
            return RunEnd(outcome="compensated", items=items, error=failures)
        return RunEnd(outcome="failed", items=items, error=failures)
    if items.pending:
        lost = f"{items.pending} of {items.total} items are pending: their batches were lost"
        return RunEnd(outcome="failed", items=items, error=lost)
    outcome: RunOutcome = "partially_succeeded" if items.failed else "succeeded"
    return RunEnd(outcome=outcome, items=items)


class _Merger:
    """Merges the partials of a chunk workload in source order; idle for other shapes."""

    def __init__(self, request: RunRequest) -> None:
        workload = registry.get(request.workload)
        self._workload = workload if isinstance(workload, ChunkWorkload) else None
        self._parameters = workload.parameters_model.model_validate(request.parameters)
        self._merged: Any = None

    def add(self, data: bytes | None) -> None:
        if self._workload is None or data is None:
            return
        partial = self._workload.load_partial(data)
        merged = self._merged
        self._merged = partial if merged is None else self._workload.merge(merged, partial)

    def render(self, results: ResultFiles) -> None:
        if self._workload is not None:
            for file in self._workload.render(self._merged, self._parameters):
                results.add(file)
