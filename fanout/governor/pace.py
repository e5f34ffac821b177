"""The pace of a run: when its own rate lets the next item begin. Items are charged beforehand."""

from datetime import datetime, timedelta

from fanout.governor.run_state import GovernorState, PaceState
from fanout.naming.moments import moment_text, parse_moment


def current_pace(state: GovernorState) -> PaceState:
    """The pace; a wait that an earlier rate had set is not served to its end."""
    changes = state.control.changes
    return state.pace if state.pace.changes == changes else PaceState(changes=changes)


def wait_seconds(pace: PaceState, now: str) -> float:
    """How long the next item has to wait."""
    return (_begin(pace, now) - parse_moment(now)).total_seconds()


def charge(pace: PaceState, now: str, items: float, rate: float) -> PaceState:
    """Let the items after these begin when these have had their time."""
    free_at = _begin(pace, now) + timedelta(seconds=items / rate)
    return pace.model_copy(update={"free_at": moment_text(free_at)})


def correct_charge(pace: PaceState, surplus: float, rate: float) -> PaceState:
    """Charge more items than before; less than 0 of them are given back."""
    if pace.free_at is None:
        return pace
    free_at = parse_moment(pace.free_at) + timedelta(seconds=surplus / rate)
    return pace.model_copy(update={"free_at": moment_text(free_at)})


def _begin(pace: PaceState, now: str) -> datetime:
    moment = parse_moment(now)
    return moment if pace.free_at is None else max(moment, parse_moment(pace.free_at))
