"""Beginning a run: its turn, its plan, and for a large blob a scan of each range before that."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from fanout.messages.beginning import BeginAsk, Begun
from fanout.messages.planning import ScanRef
from fanout.messages.run import RunRef
from fanout.naming import functions
from orchestrators.attempts import Attempt, persist, persist_all, sleep
from orchestrators.calls import Activity
from orchestrators.clock import timestamp

SCANS_AT_ONCE = 100
# Waits that one history holds, of eight events each: a small run is worked off in the same one.
WAITS_A_HISTORY = 10


def begin(context: Any, ref: RunRef) -> Generator[Any, Any, Begun | RunRef | str]:
    """Begin a run, when it is its turn, and plan its source.

    Returns:
        What there is to do; a text that says why there is nothing; or, where the history has
        grown, how the run goes on in a new one.
    """
    for _ in range(WAITS_A_HISTORY):
        ended = yield from _asked(context, ref)
        if ended.failure is not None:
            return ended.failure
        begun = Begun.model_validate(ended.result)
        if begun.wait_seconds is None:
            break
        yield from sleep(context, begun.wait_seconds)
    else:
        return ref
    if begun.plan is None or not begun.plan.scans:
        return begun
    refusal = yield from _scanned(context, ref, begun.plan.scans)
    return refusal or ref.model_copy(update={"scanned": True})


def _asked(context: Any, ref: RunRef) -> Generator[Any, Any, Attempt]:
    return (yield from persist(context, _Beginning(context, ref)))


@dataclass(frozen=True)
class _Beginning:
    """Asks to begin, each time with the time that it is then."""

    context: Any
    ref: RunRef

    @property
    def _asked(self) -> Activity:
        at = timestamp(self.context.current_utc_datetime)
        asked = BeginAsk(**self.ref.model_dump(include=set(RunRef.model_fields)), at=at)
        return Activity(self.context, functions.BEGIN, asked)

    @property
    def ticket(self) -> str:
        return self._asked.ticket

    def __call__(self) -> Any:
        return self._asked()


def _scanned(context: Any, ref: RunRef, scans: int) -> Generator[Any, Any, str]:
    """Scan all ranges of the source; gives why one could not be, or an empty text."""
    whose = ref.model_dump(include={"run_id", "claim", "trace"})

    def call(number: int) -> Activity:
        return Activity(context, functions.SCAN, ScanRef(**whose, number=number))

    for first in range(0, scans, SCANS_AT_ONCE):
        numbers = range(first, min(first + SCANS_AT_ONCE, scans))
        for ended in (yield from persist_all(context, [call(number) for number in numbers])):
            refusal = ended.failure or ended.result
            if refusal:
                return str(refusal)
    return ""
