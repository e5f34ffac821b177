"""Durable timers."""

from datetime import UTC, datetime, timedelta, timezone

from triggers import orchestrator, told


@orchestrator
def o_timer(context):
    wanted = context.get_input()
    started = context.current_utc_datetime
    at = {
        "past": started - timedelta(hours=1),
        "zero": started,
        "second": started + timedelta(seconds=1.25),
        "aware": started.astimezone(timezone(timedelta(hours=5))) + timedelta(seconds=1),
        "micro": started + timedelta(microseconds=1500),
        "naive": (started + timedelta(seconds=1)).replace(tzinfo=None),
        "epoch": datetime(1970, 1, 1, tzinfo=UTC),
        "week": started + timedelta(days=8),
        "year": started + timedelta(days=400),
        "max": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    }[wanted]
    try:
        value = yield context.create_timer(at)
    except Exception as error:
        return told(error)
    # How late it is is a host's own affair; queues of Azure let it be early by up to a second.
    return {"value": value, "early": context.current_utc_datetime < at - timedelta(seconds=1)}


@orchestrator
def o_timer_cancel(context):
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    work = context.call_activity("echo", 1)
    done = yield context.task_any([timer, work])
    timer.cancel()
    return [done is work, timer.is_cancelled]


@orchestrator
def o_timer_left(context):
    """A timer that nobody cancels: does the instance end?"""
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=8))
    work = context.call_activity("echo", 1)
    done = yield context.task_any([timer, work])
    return done is work


@orchestrator
def o_timer_cancel_done(context):
    timer = context.create_timer(context.current_utc_datetime)
    yield timer
    try:
        timer.cancel()
    except Exception as error:
        return told(error)
    return "cancelled"


@orchestrator
def o_timer_long_cancel(context):
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=20))
    work = context.call_activity("echo", 1)
    done = yield context.task_any([timer, work])
    try:
        timer.cancel()
    except Exception as error:
        return told(error)
    return done is work
