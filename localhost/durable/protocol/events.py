"""History events as JSON text, as DurableTask.Core writes them (`docs/host-protocol.md`, 5.2).

Arguments named `*_json` are JSON text put in as it is; the others are encoded here. Text is built
once, when an event happens, and joined ever after: a replay never serialises history again.
"""

import json
from enum import IntEnum

# Between the events of a turn. JSON text has no raw line ends, so a turn can be taken apart again.
SEPARATOR = ",\n"


NO_TIME = "0001-01-01T00:00:00"


def dotnet_type(name: str) -> str:
    """The name of a type of the extension, as .NET writes it into a message."""
    assembly = "Microsoft.Azure.WebJobs.Extensions.DurableTask"
    return f"{assembly}.{name}, {assembly}"


class EventType(IntEnum):
    """The numbers of DurableTask.Core's `EventType`."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    CHILD_CREATED = 7
    CHILD_COMPLETED = 8
    CHILD_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    SUSPENDED = 19
    RESUMED = 20
    REWOUND = 21


def _event(kind: int, at: str, fields: str = "", event_id: int = -1) -> str:
    return (
        f'{{"EventType":{int(kind)},"EventId":{event_id},"IsPlayed":false,"Timestamp":"{at}"'
        f"{fields}}}"
    )


def orchestrator_started(at: str) -> str:
    return _event(EventType.ORCHESTRATOR_STARTED, at)


def orchestrator_completed(at: str) -> str:
    return _event(EventType.ORCHESTRATOR_COMPLETED, at)


def execution_started(at: str, name: str, version: str | None, input_json: str, links: str) -> str:
    """`links` are the fields that say who it is and who started it, from `execution_links`."""
    fields = f',"Name":{json.dumps(name)},"Version":{json.dumps(version)},"Input":{input_json}'
    return _event(EventType.EXECUTION_STARTED, at, fields + links)


def execution_links(
    instance_id: str,
    execution_id: str,
    parent: tuple[str, str, int] | None,
    trace_parent: str | None,
    generation: int = 0,
) -> str:
    """Say who an execution is; `parent` is the parent's instance id, execution id and task id.

    The extension numbers the first execution of an instance only.
    """
    links: dict[str, object] = {
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "ParentInstance": None,
        "Tags": None,
        "Generation": None if generation else 0,
    }
    if parent is not None:
        links["ParentInstance"] = {
            "OrchestrationInstance": {"InstanceId": parent[0], "ExecutionId": parent[1]},
            "TaskScheduleId": parent[2],
        }
    if trace_parent is not None:
        links["ParentTraceContext"] = {"TraceParent": trace_parent}
    return "," + json.dumps(links, separators=(",", ":"))[1:-1]


def execution_completed(at: str, event_id: int, status: str, result_json: str) -> str:
    fields = f',"OrchestrationStatus":"{status}","Result":{result_json}'
    return _event(EventType.EXECUTION_COMPLETED, at, fields, event_id)


def execution_terminated(at: str, reason: str | None) -> str:
    return _event(EventType.EXECUTION_TERMINATED, at, f',"Input":{json.dumps(reason)}')


def task_scheduled(at: str, event_id: int, name: str, input_json: str) -> str:
    fields = f',"Name":{json.dumps(name)},"Version":"","Input":{input_json}'
    return _event(EventType.TASK_SCHEDULED, at, fields, event_id)


def completion(kind: EventType, at: str, task_id: int, result_json: str) -> str:
    """An activity or sub-orchestration that completed."""
    return _event(kind, at, f',"TaskScheduledId":{task_id},"Result":{result_json}')


def failure(kind: EventType, at: str, task_id: int, reason_json: str, details_json: str) -> str:
    """An activity or sub-orchestration that failed."""
    fields = f',"TaskScheduledId":{task_id},"Reason":{reason_json},"Details":{details_json}'
    return _event(kind, at, fields)


def child_created(
    at: str, event_id: int, name: str, version: str | None, instance_id: str, input_json: str
) -> str:
    fields = (
        f',"Name":{json.dumps(name)},"Version":{json.dumps(version)}'
        f',"InstanceId":{json.dumps(instance_id)},"Input":{input_json}'
    )
    return _event(EventType.CHILD_CREATED, at, fields, event_id)


def timer_created(at: str, event_id: int, fire_at: str) -> str:
    return _event(EventType.TIMER_CREATED, at, f',"FireAt":"{fire_at}"', event_id)


def timer_fired(at: str, timer_id: int, fire_at: str) -> str:
    return _event(EventType.TIMER_FIRED, at, f',"TimerId":{timer_id},"FireAt":"{fire_at}"')


def event_sent(at: str, event_id: int, instance_id: str, name: str, input_json: str) -> str:
    fields = (
        f',"InstanceId":{json.dumps(instance_id)},"Name":{json.dumps(name)},"Input":{input_json}'
    )
    return _event(EventType.EVENT_SENT, at, fields, event_id)


def event_raised(at: str, name: str, input_json: str) -> str:
    return _event(EventType.EVENT_RAISED, at, f',"Name":{json.dumps(name)},"Input":{input_json}')


def execution_suspended(at: str, reason: str) -> str:
    return _event(EventType.SUSPENDED, at, f',"Reason":{json.dumps(reason)}')


def execution_resumed(at: str, reason: str) -> str:
    return _event(EventType.RESUMED, at, f',"Reason":{json.dumps(reason)}')


def execution_rewound(at: str, reason: str) -> str:
    return _event(EventType.REWOUND, at, f',"Reason":{json.dumps(reason)}')
