"""Ending a small run at once: verdict and end in one write, with the results before it.

The results are written before it is certain that nobody decides otherwise meanwhile: a cancel, new
limits, an end by force, another execution of the same. So they replace nothing, and the write of
the rows insists that none of these has changed. Who finds a file there or a row changed leaves it
to the ordinary way: there the verdict is written first, and the results of it replace whatever
there is. So the end that counts and the results are of one verdict, wherever somebody dies.
"""

from datetime import UTC, datetime

from activities.endings.finish import ended_run, follow_end, is_heard
from activities.endings.known_run import KnownRun, may_end_at_once
from activities.endings.spending import with_usage
from activities.events import RaiseEvent, raise_nothing
from activities.results.lay_out import divide_into_ranges, write_only_range
from activities.results.results_folder import ResultsExistError, ResultsFolder
from fanout.adapters.rows.attempts import write_changes
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.part_reader import BatchOutcomes
from fanout.adapters.run_files.range_reader import SizedBatch
from fanout.adapters.tables import RowConflictError
from fanout.adapters.telemetry.logs import logger
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.ending import EndedRun, SettleAsk, SettleResult
from fanout.messages.fan_in import Layout, LayOutAsk
from fanout.messages.run import RunEnd, Verdict
from fanout.naming import functions
from fanout.naming.moments import moment_text

log = logger(functions.SETTLE)


def end_at_once(
    ask: SettleAsk,
    files: RunFiles,
    rows: Rows,
    known: KnownRun,
    max_bytes: int,
    raise_event: RaiseEvent = raise_nothing,
) -> SettleResult | None:
    """End a run of which everything is known.

    Args:
        ask: What the shards came to.
        files: Where the run is kept.
        rows: Its rows.
        known: What is known of it.
        max_bytes: How long a result file gets, before compression.
        raise_event: Wakes the run that has the place of this one then.

    Returns:
        What `settle` gives; None if the run is to be settled in the ordinary way.
    """
    if not may_end_at_once(ask, known.before.state) or not _is_one_range(known, max_bytes):
        return None
    settled = run_rules.settle(known.state, ask)
    verdict = settled.run.verdict
    if verdict is None or verdict.compensates:
        return None
    end = _write_results(ask, files, known, verdict, max_bytes)
    ending = None if end is None else _write_end(ask, rows, known, settled, end)
    if ending is None:
        log.info("somebody else settles the run, or has changed it: it is settled once more")
        return None
    result = SettleResult(verdict=verdict, layout=Layout(ranges=1, end=ending.end))
    return follow(ending, result, files, rows, raise_event)


def follow(
    ending: EndedRun,
    settled: SettleResult,
    files: RunFiles,
    rows: Rows,
    raise_event: RaiseEvent,
) -> SettleResult:
    """Do what follows from an end; gives it, unless somebody is to do the rest again."""
    try:
        follow_end(ending, files, rows, raise_event)
    except Exception:
        # The activity `finish` does it again, for as long as the orchestrator has patience.
        log.exception("could not end the run at once")
        return settled
    return settled.model_copy(update={"end": ending.end})


def date_end(end: RunEnd, ask: SettleAsk) -> RunEnd:
    """An end as the rows have it: when it was, and which shard's failure explains it."""
    return end.with_reason(ask.failure).model_copy(update={"at": moment_text(datetime.now(UTC))})


def _is_one_range(known: KnownRun, max_bytes: int) -> bool:
    """Tell whether the ordinary way would make one range of the batches: names follow from it."""
    ranges = divide_into_ranges(map(_measure, known.batches), max_bytes)
    next(ranges, None)
    return next(ranges, None) is None


def _measure(batch: BatchOutcomes) -> SizedBatch:
    size = len(batch.lines) if batch.origin.part is not None else 0
    return SizedBatch(batch.cut, batch.origin, size + len(batch.partial or b""))


def _write_results(
    ask: SettleAsk, files: RunFiles, known: KnownRun, verdict: Verdict, max_bytes: int
) -> RunEnd | None:
    """Write the results where there are none; None where there are some."""
    ref = ask.message(LayOutAsk, verdict=verdict)
    folder = ResultsFolder(files, ask.run_id, is_new=True)
    try:
        end = write_only_range(ref, folder, known.request, lambda: known.batches, max_bytes)
    except ResultsExistError:
        return None
    return date_end(end, ask)


def _write_end(
    ask: SettleAsk, rows: Rows, known: KnownRun, settled: GovernorState, end: RunEnd
) -> EndedRun | None:
    """Write verdict and end with whatever else has changed; None if somebody was faster."""
    run = run_rules.finish(settled.run, end, is_announced=not is_heard())
    state = settled.model_copy(update={"run": with_usage(run, ask)})
    try:
        write_changes(rows, ask.run_id, ask.attempt, known.before, state)
    except RowConflictError:
        return None
    return ended_run(ask, state)
