"""The activity `finalize`: the end of the fan-in. Renders, adds up, and lists every result file.

What the ranges came to was read from the part files, which are the last word on every item; a
second time writes the same again.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain

from pydantic import BaseModel

from activities.endings.spending import summarize
from activities.memory.range_memory import hold_for_partials
from activities.results.map_report import BatchReader, make_report
from activities.results.partials import Merger, read_merged
from activities.results.result_files import sort_files
from activities.results.results_folder import ResultsExistError, ResultsFolder
from fanout.adapters.blob import md5
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.run_files.files import RunFiles, files_of, kept_manifest, kept_request
from fanout.adapters.run_files.intact import read_intact_model
from fanout.adapters.run_files.part_reader import BatchOutcomes, read_batches
from fanout.adapters.side_by_side import side_by_side
from fanout.adapters.telemetry.logs import logger
from fanout.errors import DamagedFileError
from fanout.messages.fan_in import FinalizeAsk, LayOutAsk, RangeResult
from fanout.messages.payloads import MAX_ERROR_BYTES, shorten
from fanout.messages.run import RunEnd, RunSummary, Verdict
from fanout.models.request import RunRequest
from fanout.models.status import ItemCounts, ResultFile, ResultManifest, RunOutcome
from fanout.naming import blob_paths, functions
from fanout.naming.blob_paths import is_rendered_file_name, range_path
from fanout.policies import count_given_up, is_exceeded
from fanout.printable import describe_failure, make_printable
from fanout.workload import RenderedFile

log = logger(functions.FINALIZE)


def finalize(ask: FinalizeAsk) -> RunEnd:
    """Finalize a run."""
    return finalize_run(ask, files_of(ask))


def finalize_run(ref: FinalizeAsk, files: RunFiles) -> RunEnd:
    """Conclude a run whose ranges are written and whose partials are merged into one."""
    request = kept_request(files, ref.run_id, ref.attempt)
    merger = Merger(request)
    with hold_for_partials(files):
        return _conclude_ranges(ref, files, request, merger)


def _conclude_ranges(
    ref: FinalizeAsk, files: RunFiles, request: RunRequest, merger: Merger
) -> RunEnd:
    if merger.merges:
        merger.take(read_merged(files, ref, ref.level, 0))
    paths = (range_path(ref.run_id, ref.attempt, number) for number in range(ref.ranges))
    results = [read_intact_model(files, RangeResult, path) for path in paths]

    def read() -> Iterable[BatchOutcomes]:
        return read_batches(files, ref, kept_manifest(files, ref.run_id))

    return conclude(ref, ResultsFolder(files, ref.run_id), request, results, merger, read)


def conclude(
    ref: LayOutAsk,
    folder: ResultsFolder,
    request: RunRequest,
    results: Iterable[RangeResult],
    merger: Merger,
    read: BatchReader,
) -> RunEnd:
    """Write what the workload renders, the manifest and the summary, and say how the run ended.

    Args:
        ref: Which attempt of which run.
        folder: Where they go.
        request: What the attempt was to do.
        results: What the ranges came to, in source order.
        merger: Has all partials.
        read: Reads the outcomes of all batches.

    Raises:
        DamagedFileError: More items have no end than the run has left without: parts are gone.
    """
    counts: Counter[str] = Counter()
    outcomes: list[ResultFile] = []
    missing: list[str] = []
    for result in results:
        counts.update(result.items.model_dump())
        outcomes += result.files
        missing += result.missing
    _insist_on_all_parts(ref.verdict, ItemCounts(**counts), missing)
    rendered: list[ResultFile] = []
    report = partial(make_report, ref.run_id, request, folder.files, read)
    fault = _render(folder, request, merger, report, rendered)
    end = decide_end(request, ref.verdict, ItemCounts(**counts), fault)
    manifest = ResultManifest(
        run_id=ref.run_id,
        workload=request.workload,
        outcome=end.outcome,
        items=end.items,
        files=[*rendered, *sort_files(outcomes)],
    )
    _write_end(folder, manifest, summarize(end, ref))
    if ref.attempt > 1:
        _delete_stale(folder.files, manifest)
    log.info("%s: %s", end.outcome, end.items)
    return end


def _insist_on_all_parts(verdict: Verdict, items: ItemCounts, missing: list[str]) -> None:
    if verdict.pending is None or items.pending <= verdict.pending:
        return
    lost = f"{items.pending - verdict.pending} items that had ended have no outcome there"
    names = ", ".join(missing[:5]) or "a part of a later round"
    raise DamagedFileError(names, f"is gone, or one of those beside it: {lost}")


def _write_end(folder: ResultsFolder, manifest: ResultManifest, summary: RunSummary) -> None:
    documents: dict[str, BaseModel] = {
        blob_paths.results_manifest_path(folder.run_id): manifest,
        blob_paths.summary_path(folder.run_id): summary,
    }
    side_by_side(
        *(partial(folder.write_model, path, document) for path, document in documents.items())
    )


def _render(
    folder: ResultsFolder,
    request: RunRequest,
    merger: Merger,
    report: Callable[[], Iterable[RenderedFile]],
    rendered: list[ResultFile],
) -> str | None:
    """Have the workload make its files, and say why it did not: what it made until then stays.

    A request may turn out wrong once the whole source was seen; then no file is made.

    Raises:
        Exception: Storage does not answer; it is tried again.
        ResultsExistError: As `ResultsFolder.write` says.
    """
    place = f"the workload '{request.workload}' cannot make its files"
    if merger.fault is not None:
        return f"{place}: its partials cannot be merged: {merger.fault}"
    try:
        problems = [f"{fault.field}: {fault.message}" for fault in merger.find_faults()]
        if problems:
            return make_printable("; ".join(problems))
        for file in chain(merger.render(), report()):
            rendered.append(_write(folder, file))
    except ResultsExistError:
        raise
    except BaseException as error:
        if is_infrastructure(error):
            raise
        fault = f"{place}: {describe_failure(error)}"
        log.warning(fault)
        return fault
    return None


def _write(folder: ResultsFolder, file: RenderedFile) -> ResultFile:
    """Write a file that the workload made.

    Raises:
        ValueError: Its name leads elsewhere or is that of a file of Fanout's own, or its media
            type can stand in no header.
    """
    if not is_rendered_file_name(file.name):
        raise ValueError(f"{file.name!r} cannot name a result file")
    if not (file.media_type.isascii() and file.media_type.isprintable()):
        raise ValueError(f"{file.media_type!r} is no media type")
    result = ResultFile(
        name=file.name,
        size_bytes=len(file.content),
        count=file.count,
        md5=md5(file.content).hex(),
        media_type=file.media_type,
    )
    path = blob_paths.result_path(folder.run_id, file.name)
    folder.write(path, file.content, file.media_type)
    return result


def _delete_stale(files: RunFiles, manifest: ResultManifest) -> None:
    """Delete what an earlier attempt left among the results and this one did not write."""
    kept = {blob_paths.result_path(manifest.run_id, file.name) for file in manifest.files}
    kept.add(blob_paths.results_manifest_path(manifest.run_id))
    item_files = blob_paths.item_files_folder(manifest.run_id)
    results = blob_paths.result_path(manifest.run_id, "")
    for name in list(files.store.names(files.container, results)):
        if name not in kept and not name.startswith(item_files):
            files.store.delete(files.container, name)


def decide_end(
    request: RunRequest, verdict: Verdict, items: ItemCounts, fault: str | None = None
) -> RunEnd:
    """Tell how a run ended, and why, by what became of its items; `fault` is that of its files."""
    given_up = count_given_up(items, request.on_exceeded)
    failures = f"{given_up} of {items.total} items failed, more than the run's tolerance"
    if verdict.compensates:
        return _end_of_undo(items, failures)
    is_interrupted = items.pending or _has_undone(request, items)
    if verdict.is_cancelled and is_interrupted:
        return RunEnd(outcome="cancelled", items=items)
    if is_exceeded(verdict.tolerance, given_up, items.total):
        return RunEnd(outcome="failed", items=items, error=failures)
    if items.pending:
        lost = f"{items.pending} of {items.total} items are pending: their batches were lost"
        return RunEnd(outcome="failed", items=items, error=lost)
    if fault is not None:
        return RunEnd(outcome="failed", items=items, error=shorten(fault, MAX_ERROR_BYTES))
    outcome: RunOutcome = "partially_succeeded" if given_up else "succeeded"
    return RunEnd(outcome=outcome, items=items)


def _end_of_undo(items: ItemCounts, failures: str) -> RunEnd:
    """Tell how a run ended that was compensated: not to its end where a success is left."""
    if not items.succeeded:
        return RunEnd(outcome="compensated", items=items, error=failures)
    left = f"{items.succeeded} that had succeeded are not undone; a redrive goes on with them"
    return RunEnd(outcome="failed", items=items, error=f"{failures}; {left}")


def _has_undone(request: RunRequest, items: ItemCounts) -> bool:
    """Tell whether an earlier attempt has begun to undo the run; sagas undo their items alone."""
    return request.on_exceeded == "compensate" and items.compensated + items.compensation_failed > 0
