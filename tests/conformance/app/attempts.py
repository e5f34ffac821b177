"""Retries."""

import azure.durable_functions as df
from triggers import orchestrator, told


@orchestrator
def o_retry(context):
    mark, attempts, most, interval = context.get_input()
    started = context.current_utc_datetime
    try:
        result = yield context.call_activity_with_retry(
            "flaky", df.RetryOptions(interval, most), [mark, attempts]
        )
    except Exception as error:
        result = told(error)
    took_ms = (context.current_utc_datetime - started).total_seconds() * 1_000
    # As with timers: each may be early by up to a second.
    return {"result": result, "early": took_ms < (interval - 1_000) * (min(attempts, most) - 1)}


@orchestrator
def o_retry_all(context):
    mark = context.get_input()
    options = df.RetryOptions(200, 3)
    tasks = [
        context.call_activity_with_retry("flaky", options, [f"{mark}{n}", n]) for n in (1, 2, 3)
    ]
    result = yield context.task_all(tasks)
    return result


@orchestrator
def o_retry_any(context):
    mark = context.get_input()
    options = df.RetryOptions(200, 3)
    tasks = [context.call_activity_with_retry("flaky", options, [f"{mark}{n}", n]) for n in (9, 2)]
    done = yield context.task_any(tasks)
    return [tasks.index(done), done.result]


@orchestrator
def sub_flaky(context):
    x = context.get_input()
    result = yield context.call_activity("flaky", x)
    return [result, context.instance_id == x[2] if len(x) > 2 else None]


@orchestrator
def o_retry_sub(context):
    mark, attempts, most, id_ = context.get_input()
    try:
        result = yield context.call_sub_orchestrator_with_retry(
            "sub_flaky", df.RetryOptions(300, most), [mark, attempts, id_], instance_id=id_
        )
    except Exception as error:
        result = told(error)
    return result
