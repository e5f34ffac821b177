"""The activity `lay_out`: divides the batches of a run into ranges, each for one activity.

A range has at most so many bytes of part files as a result file may have, so what one activity
holds is bounded. Where one range is all, there is nothing to share out: it is written at once.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import azure.durable_functions as df
import azure.functions as func

from activities.results.finalize import conclude
from activities.results.partials import Merger
from activities.results.write_results import sorted_out
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.run_files.range_reader import SizedBatch, sized_batches
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.fan_in import Layout, RangePlan, RangeRef
from fanout.messages.payloads import dump
from fanout.messages.run import RunEnd, RunRef
from fanout.messages.tickets import answered
from fanout.models.plan import BatchCut, Origin
from fanout.naming import functions
from fanout.naming.blob_paths import layout_path, range_plan_path

bp = df.Blueprint()
log = logger(functions.LAY_OUT)

# Batches of no bytes are batches too: their list is held by one activity.
MAX_BATCHES_A_RANGE = 10_000


@bp.activity_trigger(input_name="ref", activity=functions.LAY_OUT)
def lay_out(ref: dict, context: func.Context) -> dict:
    """Divide a run into ranges; shell around `lay_out_run`."""
    max_bytes = settings().max_result_file_bytes
    with trace_activity(context, ref):
        found = RunRef.model_validate(ref)
        return answered(ref, dump(lay_out_run(found, files_of(found), max_bytes)))


def lay_out_run(ref: RunRef, files: RunFiles, max_bytes: int) -> Layout:
    """Write down which batches make each range; with one range, write its results as well.

    Ranges once laid out stay as they are, whatever a straggling activity writes afterwards.

    Args:
        ref: Which attempt of which run.
        files: Where the run is kept.
        max_bytes: Of part files in a range; a result file gets no longer, compression aside.
    """
    path = layout_path(ref.run_id, ref.attempt)
    if files.store.properties(files.container, path) is not None:
        return Layout.model_validate_json(files.read(path))
    ranges = divided(sized_batches(files, ref), max_bytes)
    first = next(ranges, RangePlan())
    second = next(ranges, None)
    if second is None:
        return Layout(ranges=1, end=_at_once(ref, files, first, max_bytes))
    count, has_partials = 0, False
    for planned in chain([first, second], ranges):
        files.write_model(range_plan_path(ref.run_id, ref.attempt, count), planned)
        count += 1
        has_partials |= any(origin.partial is not None for origin in planned.origins)
    layout = Layout(ranges=count, has_partials=has_partials)
    files.write_model(path, layout)
    log.info("divided the batches into %d ranges", count)
    return layout


def _at_once(ref: RunRef, files: RunFiles, planned: RangePlan, max_bytes: int) -> RunEnd:
    merger = Merger(kept_request(files, ref.run_id, ref.attempt))
    only = RangeRef(run_id=ref.run_id, attempt=ref.attempt, number=0)
    return conclude(ref, files, [sorted_out(only, files, planned, merger, max_bytes)], merger)


def divided(batches: Iterable[SizedBatch], max_bytes: int) -> Iterator[RangePlan]:
    """Divide batches into ranges, in order; a batch longer than a range may be is one alone."""
    cuts: list[BatchCut] = []
    origins: list[Origin] = []
    filled = 0
    for cut, origin, size in batches:
        if cuts and (filled + size > max_bytes or len(cuts) >= MAX_BATCHES_A_RANGE):
            yield RangePlan(cuts=cuts, origins=origins)
            cuts, origins, filled = [], [], 0
        cuts.append(cut)
        origins.append(origin)
        filled += size
    if cuts:
        yield RangePlan(cuts=cuts, origins=origins)
