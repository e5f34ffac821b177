"""An attempt that is ended by force, as the watchdog does once Durable has terminated it."""

from datetime import UTC, datetime

from activities.batches import fence
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.rows import Rows
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.naming.moments import moment_text


def end_by_force(rows: Rows, run_id: str, attempt: int) -> None:
    """Write the end of an attempt; whoever looks next is told so."""
    at = moment_text(datetime.now(UTC))
    end = RunEnd(outcome="failed", error="enough", at=at, is_forced=True)

    def rule(state: GovernorState) -> tuple[GovernorState, None]:
        return state.model_copy(update={"run": run_rules.finish(state.run, end)}), None

    change_attempt(rows, run_id, attempt, rule)
    fence._seen.clear()
