"""The activity `settle`: decides how a run goes on when its shards are through.

What is decided is written down and stays so, however often it is asked. Unless there is something
to compensate first, the fan-in is laid out at once, and done at once where one range is all.
"""

import azure.durable_functions as df
import azure.functions as func

from activities.batches.steer import is_over, steer_shard
from activities.results.lay_out import lay_out_run
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.spans import trace_activity
from fanout.errors import AttemptOverError
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.ending import SettleAsk, Settled
from fanout.messages.payloads import dump
from fanout.messages.run import RunRef, Verdict
from fanout.messages.tickets import answered
from fanout.naming import functions

bp = df.Blueprint()


@bp.activity_trigger(input_name="asked", activity=functions.SETTLE)
def settle(asked: dict, context: func.Context) -> dict:
    """Settle a run; shell around `settle_run`."""
    max_bytes = settings().max_result_file_bytes
    with trace_activity(context, asked):
        found = SettleAsk.model_validate(asked)
        return answered(asked, dump(settle_run(found, files_of(found), rows(), max_bytes)))


def settle_run(asked: SettleAsk, files: RunFiles, to: Rows, max_bytes: int) -> Settled:
    """Decide whether a run compensates; if not, lay out its fan-in.

    Args:
        asked: What the shards came to.
        files: Where the run is kept.
        to: Its rows.
        max_bytes: How long a result file gets, before compression.

    Raises:
        AttemptOverError: The attempt was ended by force; nothing more is written.
    """
    verdict = decided(asked, to)
    if verdict.compensates:
        return Settled(verdict=verdict)
    ref = RunRef(**asked.model_dump(include=set(RunRef.model_fields)))
    ref = ref.model_copy(update={"verdict": verdict})
    return Settled(verdict=verdict, layout=lay_out_run(ref, files, max_bytes))


def decided(asked: SettleAsk, to: Rows) -> Verdict:
    """Decide whether a run compensates, once.

    Raises:
        AttemptOverError: The attempt was ended by force.
    """
    if asked.last is not None:
        steer_shard(asked.last, to)

    def rule(state: GovernorState) -> tuple[GovernorState, Verdict | None]:
        if is_over(state, asked.claim):
            return state, None
        settled = run_rules.settle(state, asked)
        return settled, settled.run.verdict

    verdict = change_attempt(to, asked.run_id, asked.attempt, rule)
    if verdict is None:
        raise AttemptOverError("the attempt of the run had ended")
    return verdict
