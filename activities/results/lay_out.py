"""The activity `lay_out`: divides the batches of a run into ranges, each for one activity.

A range has at most so many bytes of part files as a result file may have, so what one activity
holds is bounded. Where one range is all, there is nothing to share out: it is written at once.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from activities.memory.range_memory import hold_for_range
from activities.results.finalize import conclude
from activities.results.map_report import BatchReader
from activities.results.partials import Merger
from activities.results.result_files import Place
from activities.results.results_folder import ResultsFolder
from activities.results.write_results import write_outcomes
from fanout.adapters.documents import read_document
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.run_files.intact import find_part
from fanout.adapters.run_files.parts import Parts, overlaid_parts
from fanout.adapters.run_files.range_reader import SizedBatch, read_range, sized_batches
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.errors import DamagedFileError
from fanout.messages.fan_in import Layout, LayOutAsk, RangePlan
from fanout.messages.payloads import MAX_ERROR_BYTES, shorten
from fanout.messages.run import RunEnd
from fanout.models.request import RunRequest
from fanout.naming import functions
from fanout.naming.blob_paths import layout_path, range_plan_path

log = logger(functions.LAY_OUT)

# Batches of no bytes are batches too: their list is held by one activity.
MAX_BATCHES_A_RANGE = 10_000


def lay_out(ask: LayOutAsk) -> Layout:
    """Divide a run into ranges."""
    return lay_out_run(ask, files_of(ask), settings().max_result_file_bytes)


def lay_out_run(
    ref: LayOutAsk, files: RunFiles, max_bytes: int, parts: Parts | None = None
) -> Layout:
    """Write down which batches make each range; with one range, write its results as well.

    Ranges once laid out stay as they are, whatever a straggling activity writes afterwards.

    Args:
        ref: Which attempt of which run.
        files: Where the run is kept.
        max_bytes: Of part files in a range; a result file gets no longer, compression aside.
        parts: The newest parts, where nobody can have laid out before; None looks for both.
    """
    path = layout_path(ref.run_id, ref.attempt)
    if parts is None:
        known = find_part(files, path)
        if known is not None:
            return read_document(Layout, known, path)
        parts = overlaid_parts(files, ref.run_id, ref.attempt)
    ranges = divide_into_ranges(sized_batches(files, ref.run_id, parts), max_bytes)
    first = next(ranges, RangePlan())
    second = next(ranges, None)
    if second is None:
        return Layout(ranges=1, end=_write_at_once(ref, files, first, max_bytes))
    layout = _write_plans(ref, files, chain([first, second], ranges))
    files.write_model(path, layout)
    log.info("divided the batches into %d ranges", layout.ranges)
    return layout


def _write_plans(ref: LayOutAsk, files: RunFiles, ranges: Iterable[RangePlan]) -> Layout:
    count, has_partials = 0, False
    for planned in ranges:
        files.write_model(range_plan_path(ref.run_id, ref.attempt, count), planned)
        count += 1
        has_partials |= any(origin.partial is not None for origin in planned.origins)
    return Layout(ranges=count, has_partials=has_partials)


def _write_at_once(ref: LayOutAsk, files: RunFiles, planned: RangePlan, max_bytes: int) -> RunEnd:
    request = kept_request(files, ref.run_id, ref.attempt)
    folder = ResultsFolder(files, ref.run_id)
    read = partial(read_range, files, planned)
    with hold_for_range(files, ref, planned):
        return write_only_range(ref, folder, request, read, max_bytes)


def write_only_range(
    ref: LayOutAsk,
    folder: ResultsFolder,
    request: RunRequest,
    read: BatchReader,
    max_bytes: int,
) -> RunEnd:
    """Write the results of a run of one range, and say how it ended.

    Args:
        ref: Which attempt of which run.
        folder: Where they go.
        request: What the attempt was to do.
        read: Reads the outcomes of all batches.
        max_bytes: How long a result file gets, before compression.
    """
    merger = Merger(request)
    try:
        result = write_outcomes(Place(folder, 0, max_bytes), request, read(), merger)
        return conclude(ref, folder, request, [result], merger, read)
    except DamagedFileError as error:
        log.warning("makes no results: %s", error)
        return RunEnd(outcome="failed", error=shorten(str(error), MAX_ERROR_BYTES))


def divide_into_ranges(batches: Iterable[SizedBatch], max_bytes: int) -> Iterator[RangePlan]:
    """Divide batches into ranges, in order; a batch longer than a range may be is one alone."""
    held: list[SizedBatch] = []
    filled = 0
    for batch in batches:
        if held and (filled + batch.size > max_bytes or len(held) >= MAX_BATCHES_A_RANGE):
            yield _range_of(held)
            held, filled = [], 0
        held.append(batch)
        filled += batch.size
    if held:
        yield _range_of(held)


def _range_of(batches: list[SizedBatch]) -> RangePlan:
    sizes = [batch.size for batch in batches]
    return RangePlan(
        cuts=[batch.cut for batch in batches],
        origins=[batch.origin for batch in batches],
        size=sum(sizes),
        largest=max(sizes),
    )
