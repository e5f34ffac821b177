"""`task_all` and `task_any`."""

from datetime import timedelta

from triggers import orchestrator, told


@orchestrator
def o_all(context):
    """One activity for each word; a word that is a kind of failure fails."""
    tasks = [
        context.call_activity("fail", w) if w != "ok" else context.call_activity("echo", n)
        for n, w in enumerate(context.get_input())
    ]
    try:
        result = yield context.task_all(tasks)
    except Exception as error:
        result = told(error)
    return result


@orchestrator
def o_any(context):
    tasks = [context.call_activity("nap", {"s": s, "fail": f}) for s, f in context.get_input()]
    try:
        done = yield context.task_any(tasks)
        return [
            tasks.index(done),
            done.is_faulted if hasattr(done, "is_faulted") else None,
            str(done.result),
        ]
    except Exception as error:
        return told(error)


@orchestrator
def o_all_slow_failure(context):
    """A quick failure beside slow successes: does it wait for them?"""
    started = context.current_utc_datetime
    try:
        yield context.task_all(
            [context.call_activity("nap", 3), context.call_activity("fail", "plain")]
        )
        text = "no error"
    except Exception as error:
        text = told(error)
    return {
        "error": text,
        "waited for the slow one": (context.current_utc_datetime - started).total_seconds() >= 2.5,
    }


@orchestrator
def o_all_empty(context):
    result = yield context.task_all([])
    return result


@orchestrator
def o_any_empty(context):
    result = yield context.task_any([])
    return str(result)


@orchestrator
def o_nested(context):
    inner = context.task_all([context.call_activity("echo", 1), context.call_activity("echo", 2)])
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=30))
    done = yield context.task_any([inner, timer])
    timer.cancel()
    return [done is inner, done.result]


@orchestrator
def o_twice(context):
    task = context.call_activity("echo", 5)
    one = yield task
    two = yield task
    return [one, two]


@orchestrator
def o_later(context):
    """Tasks begun together, yielded in the other order."""
    a, b = context.call_activity("nap", 1), context.call_activity("echo", 2)
    first = yield context.task_any([a, b])
    two = yield b
    one = yield a
    return [first is b, one, two]


@orchestrator
def o_never_yielded(context):
    context.call_activity("echo", 1)
    result = yield context.call_activity("echo", 2)
    context.call_activity("echo", 3)
    return result


@orchestrator
def o_all_same(context):
    task = context.call_activity("echo", 1)
    result = yield context.task_all([task, task])
    return result


@orchestrator
def o_fan(context):
    results = yield context.task_all(
        [context.call_activity("echo", n) for n in range(context.get_input())]
    )
    return [len(results), sum(results), results == list(range(len(results)))]
