"""The activity `settle`: decides how a run goes on when its shards are through.

What is decided is written down and stays so, however often it is asked. Unless there is something
to compensate first, the fan-in is laid out at once, and done at once where one range is all. Then
the run has ended, and that is written down and announced here, too; with a small run all of that is
one write.
"""

from activities.batches.steer import is_over, note_ask
from activities.endings.end_at_once import date_end, end_at_once, follow
from activities.endings.finish import end_attempt, is_heard, write_end
from activities.endings.known_run import KnownRun, RunReading, known_run, read_run
from activities.events import Events, RaiseEvent, raise_nothing
from activities.results.lay_out import lay_out_run
from fanout.adapters.rows.attempts import AttemptRows, change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.errors import AttemptOverError
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.ending import FinishAsk, SettleAsk, SettleResult
from fanout.messages.fan_in import LayOutAsk
from fanout.messages.run import RunEnd, Verdict
from fanout.naming import functions

log = logger(functions.SETTLE)


def settle(ask: SettleAsk, events: Events) -> SettleResult:
    """Settle a run, and end it where nothing is left to do."""
    max_bytes = settings().max_result_file_bytes
    return settle_and_end(ask, files_of(ask), rows(), max_bytes, events.raise_event)


def settle_and_end(
    ask: SettleAsk,
    files: RunFiles,
    rows: Rows,
    max_bytes: int,
    raise_event: RaiseEvent = raise_nothing,
    known: KnownRun | None = None,
) -> SettleResult:
    """Decide how a run goes on; where its results are written at once, end it as well.

    Asked again after the end, it gives that.

    Args:
        ask: What the shards came to.
        files: Where the run is kept.
        rows: Its rows.
        max_bytes: How long a result file gets, before compression.
        raise_event: Wakes the run that has the place of this one then.
        known: What the caller knows of the run, and nobody has to read; None reads it.

    Raises:
        AttemptOverError: The attempt was deleted.
    """
    if known is None:
        return _read_and_settle(ask, files, rows, max_bytes, raise_event)
    ended = end_at_once(ask, files, rows, known, max_bytes, raise_event)
    if ended is not None:
        return ended
    _keep(ask, known, rows)
    return _settle_first(ask, files, rows, max_bytes, raise_event)


def _read_and_settle(
    ask: SettleAsk, files: RunFiles, rows: Rows, max_bytes: int, raise_event: RaiseEvent
) -> SettleResult:
    """Read what is to be known of a run, and settle it: at once, if it is small."""
    reading = read_run(ask, files, rows)
    known = known_run(ask, reading, files, rows)
    if known is None:
        return _settle_first(ask, files, rows, max_bytes, raise_event, reading)
    ended = end_at_once(ask, files, rows, known, max_bytes, raise_event)
    return ended or _settle_first(ask, files, rows, max_bytes, raise_event)


def _keep(ask: SettleAsk, known: KnownRun, rows: Rows) -> None:
    """Write what is known of a run, unless the rows have its plan already."""

    def rule(state: GovernorState) -> tuple[GovernorState, None]:
        is_mine = state.run.claim in ("", ask.claim)
        if not is_mine or state.is_over or state.run.plan is not None:
            return state, None
        # What people have asked for meanwhile holds.
        return known.state.model_copy(update={"control": state.control}), None

    change_attempt(rows, ask.run_id, ask.attempt, rule, known.before)


def _settle_first(
    ask: SettleAsk,
    files: RunFiles,
    rows: Rows,
    max_bytes: int,
    raise_event: RaiseEvent,
    reading: RunReading | None = None,
) -> SettleResult:
    """Write the verdict, then the results, then the end."""
    try:
        settled = settle_run(ask, files, rows, max_bytes, reading)
    except AttemptOverError:
        end = _known_end(ask, rows)
        if end is None:
            raise
        ended = end_attempt(ask.message(FinishAsk, end=end), files, rows, raise_event)
        return SettleResult(verdict=Verdict(), end=ended)
    if settled.layout is None or settled.layout.end is None:
        return settled
    finish = ask.message(FinishAsk, end=date_end(settled.layout.end, ask))
    ending = write_end(finish, rows, is_announced=not is_heard())
    return follow(ending, settled, files, rows, raise_event) if ending is not None else settled


def _known_end(ask: SettleAsk, rows: Rows) -> RunEnd | None:
    """How the attempt ended, if that is written down; None if it is the row of another run."""
    run = read_attempt(rows, ask.run_id, ask.attempt).state.run
    return run.end if run.claim == ask.claim else None


def settle_run(
    ask: SettleAsk,
    files: RunFiles,
    rows: Rows,
    max_bytes: int,
    reading: RunReading | None = None,
) -> SettleResult:
    """Decide whether a run compensates; if not, lay out its fan-in.

    Args:
        ask: What the shards came to.
        files: Where the run is kept.
        rows: Its rows.
        max_bytes: How long a result file gets, before compression.
        reading: The rows and parts, where they have just been read.

    Raises:
        AttemptOverError: The attempt was ended by force; nothing more is written.
    """
    verdict, is_first = _decide(ask, rows, reading.before if reading else None)
    if verdict.compensates:
        return SettleResult(verdict=verdict)
    lay_out = ask.message(LayOutAsk, verdict=verdict)
    parts = reading.parts if reading and is_first else None
    return SettleResult(verdict=verdict, layout=lay_out_run(lay_out, files, max_bytes, parts))


def decide_verdict(ask: SettleAsk, rows: Rows) -> Verdict:
    """Decide whether a run compensates, once.

    Raises:
        AttemptOverError: The attempt was ended by force.
    """
    return _decide(ask, rows)[0]


def _decide(ask: SettleAsk, rows: Rows, before: AttemptRows | None = None) -> tuple[Verdict, bool]:
    """Decide whether a run compensates, and tell whether that was not decided before."""

    def rule(state: GovernorState) -> tuple[GovernorState, tuple[Verdict | None, bool]]:
        if is_over(state, ask.claim):
            return state, (None, False)
        is_first = state.run.verdict is None
        state = note_ask(state, ask.last, rows) if ask.last is not None else state
        state = run_rules.settle(state, ask)
        return state, (state.run.verdict, is_first)

    verdict, is_first = change_attempt(rows, ask.run_id, ask.attempt, rule, before)
    if verdict is None:
        raise AttemptOverError("the attempt of the run had ended")
    return verdict, is_first
