"""The activity `finish`: says how an attempt of a run ended, and does what follows from that.

The end is written first, in one row: from then on every reader sees it. Each of the rest may be
done twice, and is, when it fails half way.
"""

import azure.durable_functions as df
import azure.functions as func

from activities.endings.publish import publish_ending
from activities.endings.run_telemetry import tell_of_end
from fanout.adapters.messaging import messaging
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.places import free_place
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.spans import trace_activity
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.ending import EndedRun, Finished, Published, RunFacts
from fanout.messages.payloads import dump
from fanout.messages.run import RunEnd
from fanout.messages.tickets import answered
from fanout.naming import functions, instance_ids, row_keys

bp = df.Blueprint()
log = logger(functions.FINISH)


@bp.activity_trigger(input_name="ending", activity=functions.FINISH)
def finish(ending: dict, context: func.Context) -> dict:
    """Finish an attempt of a run; shell around `finish_attempt` and `tell`."""
    with trace_activity(context, ending):
        ended = EndedRun.model_validate(ending)
        written = finish_attempt(ended, rows())
        if written is None:
            return answered(ending, dump(Finished(end=ended.end)))
        try:
            published = tell(written, files_of(written))
        except Exception:
            # The orchestrator, which may not log, goes on without once the retries are used up.
            log.exception("could not publish how the run ended")
            raise
        close(written, rows())
        return answered(ending, dump(Finished(**published.model_dump(), end=written.end)))


def finish_attempt(ending: EndedRun, to: Rows) -> EndedRun | None:
    """Write how an attempt ended, unless that is known, and make room for another run.

    Returns:
        Its end and facts as the rows have them; None where there are no such rows any more.
    """

    def rule(state: GovernorState) -> tuple[GovernorState, tuple[RunEnd | None, RunFacts]]:
        if state.has_begun and state.run.claim != ending.claim:
            return state, (None, RunFacts())
        run = state.run.model_copy(update={"claim": ending.claim})
        run = run_rules.finish(run, ending.end)
        state = state.model_copy(update={"run": run})
        return state, (run.end, run_rules.facts(state))

    end, facts = change_attempt(to, ending.run_id, ending.attempt, rule)
    if end is None:
        return None
    instance = instance_ids.attempt_instance(ending.run_id, ending.attempt)
    free_place(to, instance)
    return ending.model_copy(update={"end": end, "facts": facts})


def tell(ending: EndedRun, files: RunFiles) -> Published:
    """Tell telemetry and the Service Bus, where there is one."""
    sending = tell_of_end(ending, files)
    try:
        bus = messaging()
        if bus is None:
            return Published()
        return publish_ending(ending, files, bus, settings().host)
    finally:
        if not sending.wait():
            log.warning("telemetry does not take how the run ended")


def close(ending: EndedRun, to: Rows) -> None:
    """Take note that all is done: nobody has to look after the attempt any more."""
    partition = row_keys.attempt_partition(ending.run_id, ending.attempt)
    to.change(
        partition,
        row_keys.RUN_ROW,
        RunState,
        lambda run: (run.model_copy(update={"is_told": True}) if run.end else run, None),
    )
    to.delete(row_keys.OPEN_PARTITION, [row_keys.open_row(ending.run_id, ending.attempt)])
