"""How instances, histories and entities look over HTTP (`docs/host-protocol.md`, 7.3)."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from localhost.durable.protocol import lenient_json
from localhost.durable.protocol.events import EventType
from localhost.durable.records import EntityRecord, InstanceRecord

NAMES = {
    0: "ExecutionStarted",
    1: "ExecutionCompleted",
    2: "ExecutionFailed",
    3: "ExecutionTerminated",
    4: "TaskScheduled",
    5: "TaskCompleted",
    6: "TaskFailed",
    7: "SubOrchestrationInstanceCreated",
    8: "SubOrchestrationInstanceCompleted",
    9: "SubOrchestrationInstanceFailed",
    10: "TimerCreated",
    11: "TimerFired",
    12: "OrchestratorStarted",
    13: "OrchestratorCompleted",
    14: "EventSent",
    15: "EventRaised",
    16: "ContinueAsNew",
    17: "GenericEvent",
    18: "HistoryState",
    19: "ExecutionSuspended",
    20: "ExecutionResumed",
    21: "ExecutionRewound",
}
_SCHEDULING = (EventType.TASK_SCHEDULED, EventType.CHILD_CREATED)
_ENDINGS = (
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.CHILD_COMPLETED,
    EventType.CHILD_FAILED,
)
_HIDDEN = (EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED)
# What the extension says of each event though it says nothing.
_STARTED: dict[str, Any] = {
    "Correlation": None,
    "GenerateNewTrace": False,
    "ScheduledStartTime": None,
}
_ENDED: dict[str, Any] = {"Input": None}
_FAILED: dict[str, Any] = {"Input": None, "FailureDetails": None}
_SCHEDULED: dict[str, Any] = {"Input": None, "Tags": None}
_ADDED: dict[int, dict[str, Any]] = {
    EventType.EXECUTION_STARTED: _STARTED,
    EventType.EXECUTION_COMPLETED: {"FailureDetails": None},
    EventType.TASK_COMPLETED: _ENDED,
    EventType.TASK_FAILED: _FAILED,
    EventType.CHILD_COMPLETED: _ENDED,
    EventType.CHILD_FAILED: _FAILED,
    EventType.TASK_SCHEDULED: {**_SCHEDULED, "ParentTraceContext": None},
    EventType.CHILD_CREATED: {**_SCHEDULED, "ClientSpanId": None},
    EventType.EVENT_RAISED: {"ParentTraceContext": None},
}
_ALWAYS_REMOVED = ("EventId", "IsPlayed")
_REMOVED: dict[int, tuple[str, ...]] = {
    EventType.EXECUTION_STARTED: ("OrchestrationInstance", "ParentInstance", "Version", "Tags"),
    EventType.TIMER_FIRED: ("TimerId",),
    EventType.TASK_SCHEDULED: ("Version",),
    EventType.CHILD_CREATED: ("Version",),
}


# Far below what Python can write, wherever it is called from.
_DEEPEST = 400
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')


class DoubledEventError(ValueError):
    """Two events of a history have one number, as after code that contradicts its history."""


def json_value(text: str | None) -> Any:
    """The value of stored text: parsed where it is JSON, else the text itself.

    NaN and Infinity, which are no JSON, become texts; what is nested too deeply to be written again
    stays a text, as does an integer of more digits than Python reads.
    """
    if text is None:
        return None
    try:
        value = json.loads(text, parse_constant=str, parse_float=lenient_json.read_float)
    except (ValueError, RecursionError):
        return text
    return text if _is_deep(text) else value


def _is_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    depth = 0
    for found in _TOKEN.finditer(text):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth > _DEEPEST:
            return True
    return False


def whole_seconds(at: datetime) -> str:
    """A time as status payloads have it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def status(
    record: InstanceRecord, *, show_input: bool, history: Sequence[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A status payload; `history` adds `historyEvents`."""
    view = {
        "name": record.name,
        "instanceId": record.instance_id,
        "runtimeStatus": record.runtime_status,
        "input": json_value(record.input_text) if show_input else None,
        "customStatus": json_value(record.custom_status_text),
        "output": json_value(record.output_text),
        "createdTime": whole_seconds(record.created_at),
        "lastUpdatedTime": whole_seconds(record.last_updated_at),
    }
    if record.version:
        view["version"] = record.version
    if record.parent_instance_id:
        view["parentInstanceId"] = record.parent_instance_id
    if history is not None:
        view["historyEvents"] = list(history)
    return view


def history_events(
    events: Iterable[dict[str, Any]], *, show_input: bool, show_output: bool
) -> list[dict[str, Any]]:
    """Fold raw history as the extension shows it: what was scheduled goes into its completion."""
    scheduled: dict[int, dict[str, Any]] = {}
    keys: set[str] = set()
    views: list[dict[str, Any]] = []
    for event in events:
        kind = event["EventType"]
        if kind in _HIDDEN:
            continue
        view = {key: value for key, value in event.items() if key not in _ALWAYS_REMOVED}
        view |= _ADDED.get(kind, {}) | {"EventType": NAMES[kind]}
        if kind in _SCHEDULING:
            if (key := f"{NAMES[kind]}_{event['EventId']}") in keys:
                problem = f"An item with the same key has already been added. Key: {key}"
                raise DoubledEventError(problem)
            keys.add(key)
            scheduled[event["EventId"]] = view
        elif kind in _ENDINGS:
            _fold(view, scheduled, views)
        _trim(kind, view, show_input=show_input, show_output=show_output)
        views.append(view)
    return views


def _fold(
    view: dict[str, Any], scheduled: dict[int, dict[str, Any]], views: list[dict[str, Any]]
) -> None:
    cause = scheduled.pop(view.pop("TaskScheduledId"), None)
    if cause is None:
        return
    views[:] = [event for event in views if event is not cause]
    view["ScheduledTime"] = cause["Timestamp"]
    view["FunctionName"] = cause.get("Name", cause.get("FunctionName"))
    if "InstanceId" in cause:
        view["InstanceId"] = cause["InstanceId"]


def _trim(kind: int, view: dict[str, Any], *, show_input: bool, show_output: bool) -> None:
    if kind == EventType.EXECUTION_STARTED:
        view["FunctionName"] = view.pop("Name")
        view.setdefault("ParentTraceContext", None)
    elif kind == EventType.EXECUTION_COMPLETED:
        view["OrchestrationStatus"] = _status_name(view.get("OrchestrationStatus"))
    names = _REMOVED.get(kind, ()) if show_input else (*_REMOVED.get(kind, ()), "Input")
    for key in names:
        view.pop(key, None)
    if "Result" in view:
        result = json_value(view.pop("Result"))
        view |= {"Result": result} if show_output else {}


def _status_name(value: Any) -> Any:
    numbered = ("Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated")
    return numbered[value] if isinstance(value, int) else value


def entity(record: EntityRecord, *, fetch_state: bool) -> dict[str, Any]:
    """An entity in a listing."""
    view: dict[str, Any] = {
        "entityId": {"name": record.name, "key": record.key},
        "lastOperationTime": whole_seconds(record.last_operation_at),
    }
    view["state"] = json_value(record.state_text) if fetch_state else None
    return view
