"""The activity `finish`: says how an attempt of a run ended, and does what follows from that.

The end is written first, in one row: from then on every reader sees it. Each of the rest may be
done twice, and is, when it fails half way.
"""

from activities.endings.publish import publish_ending
from activities.endings.run_telemetry import announce_to_telemetry
from activities.endings.spending import with_usage
from fanout.adapters.messaging import messaging
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.open_runs import close
from fanout.adapters.rows.places import free_place
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.ending import EndedRun, FinishAsk, FinishResult, RunFacts
from fanout.messages.run import RunEnd
from fanout.naming import functions, instance_ids, row_keys
from fanout.naming.moments import parse_moment

log = logger(functions.FINISH)


def finish(ask: FinishAsk) -> FinishResult:
    """Finish an attempt of a run: write its end, announce it, and close its rows."""
    return FinishResult(end=end_attempt(ask, files_of(ask), rows()))


def end_attempt(ask: FinishAsk, files: RunFiles, rows: Rows) -> RunEnd:
    """Write how an attempt ended, announce it, and close its rows; gives the end as the row has it.

    Raises:
        Exception: It could not be announced; done again, it is.
    """
    ending = finish_attempt(ask, rows)
    if ending is None:
        return ask.end
    try:
        announce(ending, files)
    except Exception:
        # The orchestrator, which may not log, goes on without once the retries are used up.
        log.exception("could not publish how the run ended")
        raise
    close_attempt(ending, rows)
    return ending.end


def finish_attempt(ask: FinishAsk, rows: Rows) -> EndedRun | None:
    """Write how an attempt ended, unless that is known, and make room for another run.

    Returns:
        Its end and facts as the rows have them; None where there are no such rows any more.
    """

    def rule(state: GovernorState) -> tuple[GovernorState, tuple[RunEnd | None, RunFacts]]:
        if state.has_begun and state.run.claim != ask.claim:
            return state, (None, RunFacts())
        run = run_rules.finish(state.run.model_copy(update={"claim": ask.claim}), ask.end)
        state = state.model_copy(update={"run": with_usage(run, ask)})
        return state, (run.end, run_rules.facts(state))

    end, facts = change_attempt(rows, ask.run_id, ask.attempt, rule)
    if end is None:
        return None
    instance = instance_ids.attempt_instance(ask.run_id, ask.attempt)
    free_place(rows, instance)
    return ask.message(EndedRun, end=end, facts=facts)


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
    partition = row_keys.attempt_partition(ending.run_id, ending.attempt)
    rows.change(
        partition,
        row_keys.RUN_ROW,
        RunState,
        lambda run: (run.model_copy(update={"is_announced": True}) if run.end else run, None),
    )
    facts = ending.facts
    if facts.status is not None:
        claimed_at = parse_moment(facts.claimed_at) if facts.claimed_at else None
        close(rows, ending.run_id, ending.attempt, claimed_at, facts.status)
