"""Detects an orchestrator that no longer does what its history says, in the extension's words."""

from collections.abc import Sequence
from dataclasses import dataclass

from localhost.durable.protocol.actions import ActionType, Signature
from localhost.durable.state.tasks import NO_NUMBER

_PREFIX = (
    "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled "
)
_HINT = (
    "Was a change made to the orchestrator code after this instance had already started running?"
)
# What the history calls a kind of task, and the class DurableTask.Core would have found instead.
_WORDS = {
    ActionType.CALL_ACTIVITY: ("an activity task", "ScheduleTaskOrchestratorAction"),
    ActionType.CALL_ACTIVITY_WITH_RETRY: ("an activity task", "ScheduleTaskOrchestratorAction"),
    ActionType.CALL_HTTP: ("an activity task", "ScheduleTaskOrchestratorAction"),
    ActionType.CALL_CHILD: ("a sub-orchestration task", "CreateSubOrchestrationAction"),
    ActionType.CALL_CHILD_WITH_RETRY: ("a sub-orchestration task", "CreateSubOrchestrationAction"),
    ActionType.CREATE_TIMER: ("a timer task", "CreateTimerOrchestratorAction"),
    ActionType.CALL_ENTITY: ("a send event task", "SendEventOrchestratorAction"),
    ActionType.SIGNAL_ENTITY: ("a send event task", "SendEventOrchestratorAction"),
    ActionType.WAIT_FOR_EVENT: ("a wait for an external event", "WaitForExternalEvent"),
}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Where an orchestrator departs from its history: the place of the action, and in words."""

    place: int
    text: str


def violation(
    history: Sequence[Signature], replay: Sequence[Signature], numbers: Sequence[int]
) -> Contradiction | None:
    """Compare what was scheduled with what a replay asks for; None where they agree.

    Args:
        history: The signatures of every action materialised so far.
        replay: Those of the newest answer, which must begin with the recorded ones.
        numbers: The sequence number of each recorded action, -1 for event waits.
    """
    for index, expected in enumerate(history):
        actual = replay[index] if index < len(replay) else None
        if actual is None and numbers[index] == NO_NUMBER:
            continue  # a wait leaves nothing in the history
        if actual is None:
            return Contradiction(index, _missing_text(expected, numbers[index]))
        if not _is_same(expected, actual):
            return Contradiction(index, _difference_text(expected, actual, numbers[index]))
    return None


def _is_same(expected: Signature, actual: Signature) -> bool:
    if expected == actual:
        return True
    return expected[0] == actual[0] and expected[1].lower() == actual[1].lower()


def _missing_text(expected: Signature, number: int) -> str:
    words, _ = _WORDS[ActionType(expected[0])]
    name_text = f" and name '{expected[1]}' (version '')" if expected[1] else ""
    return (
        f"{_PREFIX}{words} with sequence ID {number}{name_text}, but the current replay execution "
        f"hasn't (yet?) scheduled this task. {_HINT}"
    )


def _difference_text(expected: Signature, actual: Signature, number: int) -> str:
    words, kind = _WORDS[ActionType(expected[0])]
    other_words, other_kind = _WORDS[ActionType(actual[0])]
    name_text = f" named '{expected[1]}'" if expected[1] else ""
    replay_text = (
        f"scheduled {other_words} with sequence number {number} named '{actual[1]}'"
        if kind == other_kind
        else f"produced a {other_kind} action with this sequence number"
    )
    return (
        f"{_PREFIX}{words} with sequence number {number}{name_text}, but the current orchestration "
        f"replay instead {replay_text}. {_HINT}"
    )
