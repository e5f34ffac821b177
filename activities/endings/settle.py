"""The activity `settle`: decides how a run goes on when its shards are through.

What is decided is written down and stays so, however often it is asked. Unless there is something
to compensate first, the fan-in is laid out at once, and done at once where one range is all. Then
the run has ended, and that is written down and announced here, too.
"""

from datetime import UTC, datetime

from activities.batches.steer import is_over, steer_shard
from activities.endings.finish import end_attempt
from activities.results.lay_out import lay_out_run
from fanout.adapters.rows.attempts import change_attempt, read_attempt
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
from fanout.naming.moments import moment_text

log = logger(functions.SETTLE)


def settle(ask: SettleAsk) -> SettleResult:
    """Settle a run, and end it where nothing is left to do."""
    return settle_and_end(ask, files_of(ask), rows(), settings().max_result_file_bytes)


def settle_and_end(ask: SettleAsk, files: RunFiles, rows: Rows, max_bytes: int) -> SettleResult:
    """Decide how a run goes on; where its results are written at once, end it as well.

    Takes and raises what `settle_run` does. Asked again after the end, it gives that.
    """
    try:
        settled = settle_run(ask, files, rows, max_bytes)
    except AttemptOverError:
        end = _known_end(ask, rows)
        if end is None:
            raise
        ended = end_attempt(ask.message(FinishAsk, end=end), files, rows)
        return SettleResult(verdict=Verdict(), end=ended)
    end = settled.layout.end if settled.layout else None
    if end is None:
        return settled
    end = end.with_reason(ask.failure).model_copy(update={"at": moment_text(datetime.now(UTC))})
    try:
        ended = end_attempt(ask.message(FinishAsk, end=end), files, rows)
    except Exception:
        # The activity `finish` does it again, for as long as the orchestrator has patience.
        log.exception("could not end the run at once")
        return settled
    return settled.model_copy(update={"end": ended})


def _known_end(ask: SettleAsk, rows: Rows) -> RunEnd | None:
    """How the attempt ended, if that is written down; None if it is the row of another run."""
    run = read_attempt(rows, ask.run_id, ask.attempt).state.run
    return run.end if run.claim == ask.claim else None


def settle_run(ask: SettleAsk, files: RunFiles, rows: Rows, max_bytes: int) -> SettleResult:
    """Decide whether a run compensates; if not, lay out its fan-in.

    Args:
        ask: What the shards came to.
        files: Where the run is kept.
        rows: Its rows.
        max_bytes: How long a result file gets, before compression.

    Raises:
        AttemptOverError: The attempt was ended by force; nothing more is written.
    """
    verdict = decide_verdict(ask, rows)
    if verdict.compensates:
        return SettleResult(verdict=verdict)
    lay_out = ask.message(LayOutAsk, verdict=verdict)
    return SettleResult(verdict=verdict, layout=lay_out_run(lay_out, files, max_bytes))


def decide_verdict(ask: SettleAsk, rows: Rows) -> Verdict:
    """Decide whether a run compensates, once.

    Raises:
        AttemptOverError: The attempt was ended by force.
    """
    if ask.last is not None:
        steer_shard(ask.last, rows)

    def rule(state: GovernorState) -> tuple[GovernorState, Verdict | None]:
        if is_over(state, ask.claim):
            return state, None
        state = run_rules.settle(state, ask)
        return state, state.run.verdict

    verdict = change_attempt(rows, ask.run_id, ask.attempt, rule)
    if verdict is None:
        raise AttemptOverError("the attempt of the run had ended")
    return verdict
