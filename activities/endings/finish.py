"""The activity `finish`: says how an attempt of a run ended, and does what follows from that.

The end is written first, in one row: from then on every reader sees it. Each of the rest may be
done twice, and is, when it fails half way. Where nobody is to be told, the row says so at once.
"""

from datetime import UTC, datetime
from functools import partial

from activities.endings.leave import leave_place
from activities.endings.publish import publish_ending
from activities.endings.run_telemetry import announce_to_telemetry
from activities.endings.spending import with_usage
from activities.events import Events, RaiseEvent, raise_nothing
from fanout.adapters.messaging import messaging
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.open_runs import close
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.settings import settings
from fanout.adapters.side_by_side import side_by_side
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.otel import otel
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.ending import EndedRun, FinishAsk, FinishResult
from fanout.messages.run import RunEnd, SpendingRef
from fanout.naming import functions, instance_ids, row_keys
from fanout.naming.moments import moment_text, parse_moment

log = logger(functions.FINISH)


def finish(ask: FinishAsk, events: Events) -> FinishResult:
    """Finish an attempt of a run: write its end, announce it, and close its rows."""
    return FinishResult(end=end_attempt(ask, files_of(ask), rows(), events.raise_event))


def end_attempt(
    ask: FinishAsk, files: RunFiles, rows: Rows, raise_event: RaiseEvent = raise_nothing
) -> RunEnd:
    """Write how an attempt ended, and do what follows; gives the end as the row has it.

    Raises:
        Exception: As `follow_end` says.
    """
    ending = write_end(ask, rows, is_announced=not is_heard())
    if ending is None:
        return ask.end
    follow_end(ending, files, rows, raise_event)
    return ending.end


def finish_attempt(
    ask: FinishAsk, rows: Rows, raise_event: RaiseEvent = raise_nothing
) -> EndedRun | None:
    """Write how an attempt ended, unless that is known, and let another run have its place.

    Returns:
        What `write_end` does.
    """
    ending = write_end(ask, rows)
    if ending is not None:
        make_room(ending, rows, raise_event)
    return ending


def write_end(ask: FinishAsk, rows: Rows, *, is_announced: bool = False) -> EndedRun | None:
    """Write how an attempt ended, unless that is known.

    Args:
        ask: How it ended.
        rows: The rows.
        is_announced: Whether nobody is to be told of it.

    Returns:
        Its end and facts as the rows have them; None where there are no such rows any more.
    """

    def rule(state: GovernorState) -> tuple[GovernorState, EndedRun | None]:
        if state.has_begun and state.run.claim != ask.claim:
            return state, None
        run = state.run.model_copy(update={"claim": ask.claim})
        run = run_rules.finish(run, ask.end, is_announced=is_announced)
        state = state.model_copy(update={"run": with_usage(run, ask)})
        return state, ended_run(ask, state)

    return change_attempt(rows, ask.run_id, ask.attempt, rule)


def ended_run(ref: SpendingRef, state: GovernorState) -> EndedRun:
    """An attempt that has ended, as its rows have it."""
    end, is_announced = state.run.end, state.run.is_announced
    facts = run_rules.facts(state)
    return ref.message(EndedRun, end=end, facts=facts, is_announced=is_announced)


def is_heard() -> bool:
    """Tell whether anybody is to be told how runs end: telemetry, or Service Bus."""
    return otel() is not None or messaging() is not None


def follow_end(
    ending: EndedRun, files: RunFiles, rows: Rows, raise_event: RaiseEvent = raise_nothing
) -> None:
    """Do what follows from an end that is written: make room, announce it, close the rows.

    Raises:
        Exception: It could not be announced; done again, it is.
    """
    if ending.is_announced:
        side_by_side(
            partial(make_room, ending, rows, raise_event), partial(close_attempt, ending, rows)
        )
        return
    make_room(ending, rows, raise_event)
    try:
        announce(ending, files)
    except Exception:
        # The orchestrator, which may not log, goes on without once the retries are used up.
        log.exception("could not publish how the run ended")
        raise
    close_attempt(ending, rows)


def make_room(ending: EndedRun, rows: Rows, raise_event: RaiseEvent = raise_nothing) -> None:
    """Let another run have the place of an attempt that has ended."""
    instance = instance_ids.attempt_instance(ending.run_id, ending.attempt)
    leave_place(instance, ending.end.at or moment_text(datetime.now(UTC)), rows, raise_event)


def announce(ending: EndedRun, files: RunFiles) -> None:
    """Announce how an attempt ended to telemetry and to Service Bus, where there is one."""
    sending = announce_to_telemetry(ending, files)
    try:
        bus = messaging()
        if bus is not None:
            publish_ending(ending, files, bus, settings().host)
    finally:
        if not sending.wait():
            log.warning("telemetry does not take how the run ended")


def close_attempt(ending: EndedRun, rows: Rows) -> None:
    """Take note that all is done: nobody has to look after the attempt any more.

    From then on lists have how it ended from the index.
    """
    if not ending.is_announced:
        _note_announced(ending, rows)
    facts = ending.facts
    if facts.status is not None:
        claimed_at = parse_moment(facts.claimed_at) if facts.claimed_at else None
        close(rows, ending.run_id, ending.attempt, claimed_at, facts.status)


def _note_announced(ending: EndedRun, rows: Rows) -> None:
    partition = row_keys.attempt_partition(ending.run_id, ending.attempt)
    rows.change(
        partition,
        row_keys.RUN_ROW,
        RunState,
        lambda run: (run.model_copy(update={"is_announced": True}) if run.end else run, None),
    )
