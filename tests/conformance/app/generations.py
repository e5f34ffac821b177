"""Continue as new."""

from datetime import timedelta

from triggers import orchestrator


@orchestrator
def o_again(context):
    n = context.get_input()
    yield context.call_activity("echo", n)
    context.set_custom_status({"n": n})
    if n > 0:
        context.continue_as_new(n - 1)
        return "ignored"
    return {"n": n, "id": str(context.new_uuid()) != "", "histories": len(context.histories)}


@orchestrator
def o_again_at_once(context):
    n = context.get_input()
    if n > 0:
        context.continue_as_new(n - 1)
        return
    return "done"
    yield


@orchestrator
def o_again_status(context):
    n = context.get_input()
    if n == 2:
        context.set_custom_status("first")
    yield context.call_activity("echo", n)
    if n > 0:
        context.continue_as_new(n - 1)
    else:
        return context.custom_status


@orchestrator
def o_again_yield(context):
    """Calls continue_as_new and then does more."""
    n = context.get_input()
    if n > 0:
        context.continue_as_new(n - 1)
        yield context.call_activity("echo", 1)
        return "after"
    return "end"


@orchestrator
def o_again_none(context):
    n = context.get_input()
    yield context.call_activity("no_return", 1)
    if n is not None:
        context.continue_as_new(None)
        return
    return "none it is"


@orchestrator
def o_again_raise(context):
    n = context.get_input()
    yield context.call_activity("no_return", 1)
    context.continue_as_new(n - 1)
    raise ValueError("after continue_as_new")


@orchestrator
def o_again_events(context):
    """Takes one event a generation; those that come in between should not be lost."""
    got = context.get_input()
    yield context.call_activity("nap", 1)
    value = yield context.wait_for_external_event("Go")
    got = [*got, value]
    if len(got) < 3:
        context.continue_as_new(got)
        return
    return got


@orchestrator
def o_again_pending(context):
    """Leaves an activity behind that ends in the next generation."""
    n = context.get_input()
    if n == 0:
        slow = context.call_activity("nap", 2)
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=0.5))
        yield context.task_any([slow, timer])
        context.continue_as_new(1)
        return
    result = yield context.call_activity("nap", 4)
    return result


@orchestrator
def o_again_forever(context):
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    context.continue_as_new(context.get_input() + 1)
