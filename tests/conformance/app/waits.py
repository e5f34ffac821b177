"""External events."""

from datetime import timedelta

from triggers import orchestrator, seen


@orchestrator
def o_event(context):
    value = yield context.wait_for_external_event("Go")
    return seen(value)


@orchestrator
def o_event_after(context):
    """Is busy first, so events arrive before the wait."""
    yield context.call_activity("nap", 2)
    value = yield context.wait_for_external_event("Go")
    return seen(value)


@orchestrator
def o_events(context):
    """Waits for as many as told, one after the other."""
    values = []
    for _ in range(context.get_input()):
        value = yield context.wait_for_external_event("Go")
        values.append(value)
        context.set_custom_status(len(values))
    return values


@orchestrator
def o_events_busy(context):
    values = []
    for _ in range(3):
        yield context.call_activity("nap", 1.5)
        value = yield context.wait_for_external_event("Go")
        values.append(value)
    return values


@orchestrator
def o_events_all(context):
    values = yield context.task_all(
        [
            context.wait_for_external_event("Go"),
            context.wait_for_external_event("Go"),
            context.wait_for_external_event("Other"),
        ]
    )
    return values


@orchestrator
def o_event_or_timer(context):
    event = context.wait_for_external_event("Go")
    timer = context.create_timer(
        context.current_utc_datetime + timedelta(seconds=context.get_input())
    )
    done = yield context.task_any([event, timer])
    if done is event:
        timer.cancel()
        return ["event", event.result]
    value = yield context.wait_for_external_event("Go")
    return ["timer", value]


@orchestrator
def o_event_abandoned(context):
    """Waits in a race and loses, then waits again: whose is the next event?"""
    values = []
    for _ in range(2):
        event = context.wait_for_external_event("Go")
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        done = yield context.task_any([event, timer])
        values.append("event" if done is event else "timer")
    context.set_custom_status("ready")
    value = yield context.wait_for_external_event("Go")
    values.append(value)
    return values
