"""Custom status, and what a context tells."""

from triggers import orchestrator

from activities import Plain


@orchestrator
def o_status(context):
    what = context.get_input()
    value = {
        "none": None,
        "empty": "",
        "zero": 0,
        "false": False,
        "dict": {},
        "list": [],
        "text": "text",
        "unicode": "ü☃😀",
        "nested": {"a": [1, {"b": None}]},
        "k8": "s" * 8_000,
        "k16": "s" * 16_400,
        "k20": "s" * 20_000,
        "k100": "s" * 100_000,
        "date": "2026-01-02T03:04:05Z",
        "big": 2**70,
        "plain": Plain(),
        "nan": float("nan"),
    }[what]
    context.set_custom_status(value)
    yield context.call_activity("no_return", 1)
    return "done"


@orchestrator
def o_status_reset(context):
    context.set_custom_status("first")
    yield context.call_activity("no_return", 1)
    context.set_custom_status(None)
    yield context.call_activity("no_return", 1)
    return context.custom_status


@orchestrator
def o_status_then_raise(context):
    context.set_custom_status({"step": 1})
    yield context.call_activity("no_return", 1)
    raise ValueError("later")


@orchestrator
def o_context(context):
    """All that a context tells."""
    first = [str(context.new_guid()), context.new_uuid(), context.new_uuid()]
    before = context.current_utc_datetime
    yield context.call_activity("no_return", 1)
    after = context.current_utc_datetime
    second = [str(context.new_guid()), context.new_uuid()]
    zone = context.current_utc_datetime.tzinfo is not None
    return {
        "unique": len(set(first + second)) == 5,
        "moved": after >= before,
        "zone": zone,
        "schema": str(context._replay_schema),
        "parent": context.parent_instance_id,
        "id": context.instance_id,
        "version": getattr(context, "version", "no such"),
        "function_context": {k: str(v) for k, v in vars(context.function_context).items()},
        "short": str(context._maximum_short_timer_duration),
        "long": str(context._long_timer_interval_duration),
        "events": [int(e.event_type) for e in context.histories][:3],
    }


@orchestrator
def o_stable(context):
    """Replay-safe values stay: they pass through activities and are compared in a later turn."""
    values = [str(context.new_guid()), context.new_uuid(), context.current_utc_datetime.isoformat()]
    told_ = yield context.call_activity("echo", values)
    yield context.call_activity("nap", 0.2)
    now = [str(context.new_guid()), context.current_utc_datetime.isoformat()]
    told_now = yield context.call_activity("echo", now)
    yield context.call_activity("no_return", 1)
    return [told_ == values, told_now == now]


@orchestrator
def o_replaying(context):
    trace = [context.is_replaying]
    yield context.call_activity("no_return", 1)
    trace.append(context.is_replaying)
    yield context.call_activity("no_return", 2)
    trace.append(context.is_replaying)
    return trace
