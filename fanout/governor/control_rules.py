"""What people ask of an attempt of a run: the rules that change its row `control`."""

from fanout.governor.run_state import ControlState
from fanout.models.limits import LimitsChange


def cancel(control: ControlState) -> ControlState:
    """Let nothing more begin; where the shards are through, it is too late."""
    return control if control.is_closed else control.model_copy(update={"is_cancelled": True})


def suspend(control: ControlState, at: str) -> ControlState:
    """Let nothing begin until the run is resumed."""
    if control.suspended_at is not None:
        return control
    return control.model_copy(update={"suspended_at": at})


def resume(control: ControlState) -> ControlState:
    """Let things begin again."""
    return control.model_copy(update={"suspended_at": None})


def change_limits(control: ControlState, change: LimitsChange) -> ControlState:
    """Change the limits, over what was changed before."""
    merged_change = control.change.merge(change)
    return control.model_copy(update={"change": merged_change, "changes": control.changes + 1})
