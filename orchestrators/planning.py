"""What a run waits for before its shards: its turn, the scans of a large blob, and its plan."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from fanout.messages.beginning import BeginAsk, BeginResult
from fanout.messages.planning import ScanRef, ScanResult
from fanout.messages.run import RunInput
from fanout.naming import functions
from orchestrators.accounts import usage_of
from orchestrators.calling import call_all_patiently, call_patiently
from orchestrators.calls import Activity
from orchestrators.clock import timestamp
from orchestrators.sleep import sleep

SCANS_AT_ONCE = 100
# Waits that one history holds, of eight events each: a small run is worked off in the same one.
WAITS_A_HISTORY = 10


@dataclass(frozen=True)
class Refusal:
    """Why there is nothing to do."""

    reason: str


def await_plan(
    context: Any, run: RunInput
) -> Generator[Any, Any, BeginResult | RunInput | Refusal]:
    """Wait for the turn of a run, and have its source planned.

    Returns:
        What there is to do, or why there is nothing; or, where the history has grown, how the run
        goes on in a new one.
    """
    for _ in range(WAITS_A_HISTORY):
        result = yield from call_patiently(context, _BeginCall(context, run))
        if result.failure is not None:
            return Refusal(result.failure)
        beginning = BeginResult.model_validate(result.value)
        if beginning.wait_seconds is None:
            break
        yield from sleep(context, beginning.wait_seconds)
    else:
        return run
    if beginning.plan is None or not beginning.plan.scans:
        return beginning
    refusal = yield from _scan(context, run, beginning.plan.scans)
    return refusal or run.model_copy(update={"scanned": True})


@dataclass(frozen=True)
class _BeginCall:
    """Calls `begin`, each time with the time that it is then."""

    context: Any
    run: RunInput

    @property
    def _activity(self) -> Activity:
        at = timestamp(self.context.current_utc_datetime)
        ask = BeginAsk(**self.run.model_dump(), at=at, used_before=usage_of(self.context))
        return Activity(self.context, functions.BEGIN, ask)

    @property
    def ticket(self) -> str:
        return self._activity.ticket

    def __call__(self) -> Any:
        return self._activity()


def _scan(context: Any, run: RunInput, scans: int) -> Generator[Any, Any, Refusal | None]:
    """Scan all ranges of the source; gives why one could not be."""
    for first in range(0, scans, SCANS_AT_ONCE):
        numbers = range(first, min(first + SCANS_AT_ONCE, scans))
        calls = [
            Activity(context, functions.SCAN, run.message(ScanRef, number=number))
            for number in numbers
        ]
        for result in (yield from call_all_patiently(context, calls)):
            if result.failure is not None:
                return Refusal(result.failure)
            scan = ScanResult.model_validate(result.value)
            if scan.refusal is not None:
                return Refusal(scan.refusal)
    return None
