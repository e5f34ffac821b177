"""A run as a caller has it: its request is checked, then planned, then carried out."""

from fanout.errors import InvalidRequestError
from starters.lifecycle.check import check_request
from tests.support.replays.local_runs import LocalRun, halted


def carry_out_unless_refused(run: LocalRun, most_cuts: int | None = None) -> str | None:
    """Carry out the batches of a run, or the first of them; give why it was refused, if it was."""
    try:
        check_request(run.request, run.files)
    except InvalidRequestError as error:
        return str(error)
    plan = run.plan()
    if plan.refusal is None:
        run.work_off(plan if most_cuts is None else halted(plan, most_cuts))
        if run.request.on_exceeded == "compensate":
            run.compensate()
    return plan.refusal
