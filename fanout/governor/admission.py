"""How many runs the app carries out at once: the rest wait in the order in which they came."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from fanout.naming.moments import parse_moment

# Whoever waits asks at least every half minute; one that has not asked for so long is gone.
FORGOTTEN_AFTER = timedelta(minutes=5)


class Entry(BaseModel):
    """A run that asks to begin.

    Attributes:
        instance: Its orchestration.
        max_runs: How many runs may go on at once.
        at: When it asks, ISO 8601 in UTC.
    """

    model_config = ConfigDict(frozen=True)

    instance: str
    max_runs: int = 0
    at: str


class AdmissionState(BaseModel):
    """The runs of the app, by orchestration; times are ISO 8601 in UTC.

    Attributes:
        running: Those that go on, with when they began.
        waiting: Those that wait, in the order in which they came, with when they last asked.
    """

    model_config = ConfigDict(frozen=True)

    running: dict[str, str] = Field(default_factory=dict)
    waiting: dict[str, str] = Field(default_factory=dict)


def enter(state: AdmissionState, entry: Entry) -> tuple[AdmissionState, bool]:
    """Let a run begin if there is room for it and for all that came before it."""
    if entry.instance in state.running:
        return state, True
    waiting = {k: v for k, v in state.waiting.items() if not _is_forgotten(v, entry.at)}
    waiting[entry.instance] = entry.at
    room = entry.max_runs - len(state.running)
    if list(waiting).index(entry.instance) >= room:
        return state.model_copy(update={"waiting": waiting}), False
    del waiting[entry.instance]
    running = {**state.running, entry.instance: entry.at}
    return AdmissionState(running=running, waiting=waiting), True


def leave(state: AdmissionState, instance: str) -> AdmissionState:
    """Take note that a run is over, or waits no longer."""
    return AdmissionState(
        running={k: v for k, v in state.running.items() if k != instance},
        waiting={k: v for k, v in state.waiting.items() if k != instance},
    )


def _is_forgotten(asked_at: str, now: str) -> bool:
    return parse_moment(now) - parse_moment(asked_at) > FORGOTTEN_AFTER
