"""Planning a run: one activity, or for a large blob one for each range and one to join them."""

from collections.abc import Generator
from typing import Any

from fanout import names
from fanout.models.wave import PlanResult, RunRef, ScanRef
from fanout.payloads import dump
from orchestrators.attempts import attempt, attempt_all
from orchestrators.retries import infrastructure

SCANS_AT_ONCE = 100


def planned(context: Any, ref: RunRef) -> Generator[Any, Any, PlanResult | str]:
    """Plan the source of a run; gives the plan, or why there is none."""
    found = yield from _plan(context, ref)
    if isinstance(found, str) or not found.scans:
        return found
    for first in range(0, found.scans, SCANS_AT_ONCE):
        numbers = range(first, min(first + SCANS_AT_ONCE, found.scans))
        whose = ref.model_dump(include={"run_id", "claim", "trace"})
        scans = [ScanRef(**whose, number=number) for number in numbers]
        calls = [
            context.call_activity_with_retry(names.SCAN, infrastructure(), dump(scan))
            for scan in scans
        ]
        for scan in (yield from attempt_all(context, calls)):
            refusal = scan.failure or scan.result
            if refusal:
                return str(refusal)
    return (yield from _plan(context, ref.model_copy(update={"scanned": True})))


def _plan(context: Any, ref: RunRef) -> Generator[Any, Any, PlanResult | str]:
    ended = yield from attempt(
        context.call_activity_with_retry(names.PLAN, infrastructure(), dump(ref))
    )
    if ended.failure is not None:
        return str(ended.failure)
    plan = PlanResult.model_validate(ended.result)
    return plan if plan.refusal is None else plan.refusal
