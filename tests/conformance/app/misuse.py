"""What no orchestrator should do."""

import time
from datetime import timedelta

from triggers import MARKS, orchestrator

from activities import echo


@orchestrator
def o_plain(context):
    return "no yield at all"


@orchestrator
def o_plain_none(context):
    pass


@orchestrator
def o_yield_five(context):
    value = yield 5
    return value


@orchestrator
def o_yield_none(context):
    value = yield
    return str(value)


@orchestrator
def o_yield_list(context):
    value = yield [context.call_activity("echo", 1), context.call_activity("echo", 2)]
    return str(value)


@orchestrator
def o_return_task(context):
    yield context.call_activity("echo", 1)
    return context.call_activity("echo", 2)


@orchestrator
async def o_async(context):
    return "async"


@orchestrator
def o_wrong_call(context):
    yield context.call_activity(echo_plain, 1)


def echo_plain(x):
    return x


@orchestrator
def o_by_function(context):
    value = yield context.call_activity(echo, 3)
    return value


@orchestrator
def o_nondeterministic(context):
    """Calls another activity in each replay."""
    path = MARKS / f"nd-{context.instance_id}"
    with path.open("a") as file:
        file.write("x")
    if path.stat().st_size == 1:
        yield context.call_activity("echo", 1)
    else:
        yield context.call_activity("kind", 1)
    yield context.call_activity("no_return", 1)
    return "done"


@orchestrator
def o_nondeterministic_fewer(context):
    path = MARKS / f"nf-{context.instance_id}"
    with path.open("a") as file:
        file.write("x")
    if path.stat().st_size == 1:
        yield context.call_activity("echo", 1)
    return "done"


@orchestrator
def o_nondeterministic_kind(context):
    path = MARKS / f"nk-{context.instance_id}"
    with path.open("a") as file:
        file.write("x")
    if path.stat().st_size == 1:
        yield context.call_activity("echo", 1)
    else:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    yield context.call_activity("no_return", 1)
    return "done"


@orchestrator
def o_slow_turn(context):
    time.sleep(2)
    yield context.call_activity("no_return", 1)
    return "slow turn"
