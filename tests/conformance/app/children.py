"""Sub-orchestrations."""

from datetime import timedelta

from triggers import orchestrator, told

from activities import broken_down


@orchestrator
def sub_info(context):
    yield context.call_activity("no_return", 1)
    return {
        "id": context.instance_id,
        "parent": context.parent_instance_id,
        "input": context.get_input(),
    }


@orchestrator
def sub_fail(context):
    yield context.call_activity("fail", context.get_input())


@orchestrator
def sub_raise(context):
    context.set_custom_status("sub")
    yield context.call_activity("no_return", 1)
    broken_down(context.get_input())


@orchestrator
def sub_slow(context):
    yield context.create_timer(
        context.current_utc_datetime + timedelta(seconds=context.get_input() or 60)
    )
    return "slow"


@orchestrator
def o_sub(context):
    id_ = context.get_input()
    result = yield context.call_sub_orchestrator("sub_info", {"a": 1}, id_)
    return result


@orchestrator
def o_sub_none(context):
    result = yield context.call_sub_orchestrator("sub_info")
    return result


@orchestrator
def o_sub_catch(context):
    name, what = context.get_input()
    try:
        yield context.call_sub_orchestrator(name, what)
    except Exception as error:
        return told(error)


@orchestrator
def o_sub_uncaught(context):
    name, what = context.get_input()
    yield context.call_sub_orchestrator(name, what)


@orchestrator
def o_sub_same_id(context):
    """The same child id one after the other."""
    id_ = context.get_input()
    one = yield context.call_sub_orchestrator("sub_info", 1, id_)
    two = yield context.call_sub_orchestrator("sub_info", 2, id_)
    return [one, two]


@orchestrator
def o_sub_all(context):
    results = yield context.task_all(
        [context.call_sub_orchestrator("sub_info", n) for n in range(context.get_input())]
    )
    return [r["input"] for r in results]


@orchestrator
def o_sub_slow(context):
    try:
        result = yield context.call_sub_orchestrator("sub_slow", 60, context.get_input())
        return result
    except Exception as error:
        return told(error)


@orchestrator
def o_deep(context):
    n = context.get_input()
    if n == 0:
        yield context.call_activity("no_return", 1)
        return 0
    below = yield context.call_sub_orchestrator("o_deep", n - 1)
    return below + 1


@orchestrator
def o_deep_fail(context):
    n = context.get_input()
    if n == 0:
        yield context.call_activity("fail", "plain")
    yield context.call_sub_orchestrator("o_deep_fail", n - 1)


@orchestrator
def o_self(context):
    """A child with its parent's own id."""
    try:
        result = yield context.call_sub_orchestrator("sub_info", 1, context.instance_id)
        return result
    except Exception as error:
        return told(error)
