"""Orchestrators that hand values and failures from activities on."""

import azure.durable_functions as df
from triggers import orchestrator, seen, told

from activities import Custom, Plain, broken_down


@orchestrator
def o_value(context):
    value = context.get_input()
    there = yield context.call_activity("kind", value)
    back = yield context.call_activity("echo", value)
    return {
        "input": seen(value),
        "there": there,
        "back": seen(back),
        "same": back == value,
        "value": back,
    }


@orchestrator
def o_make(context):
    """What an activity returned, as the orchestrator sees it."""
    try:
        value = yield context.call_activity("make", context.get_input())
    except Exception as error:
        return {"error": told(error)}
    return seen(value)


@orchestrator
def o_return(context):
    """Return what a name stands for, without any activity."""
    name = context.get_input()
    if name == "yes":
        return True
    return {
        "none": None,
        "empty": "",
        "zero": 0,
        "false": False,
        "list": [],
        "dict": {},
        "text": "text",
        "nan": float("nan"),
        "bytes": b"x",
        "set": {1},
        "tuple": (1, 2),
        "date": "2026-01-02T03:04:05Z",
        "big": 2**70,
        "custom": Custom(1),
        "long": "z" * 200_000,
        "jsontext": '{"a": 1}',
        "float": 1.0,
        "unicode": "ü☃😀",
    }[name]


@orchestrator
def o_no_return(context):
    yield context.call_activity("no_return", 1)


@orchestrator
def o_big(context):
    size = context.get_input()
    text = yield context.call_activity("make", str(size))
    back = yield context.call_activity("length", text)
    return [len(text), back]


@orchestrator
def o_bigout(context):
    text = yield context.call_activity("make", str(context.get_input()))
    return text


@orchestrator
def o_length(context):
    yield context.call_activity("no_return", 1)
    return len(context.get_input())


@orchestrator
def o_unserializable(context):
    value = yield context.call_activity("echo", Plain())
    return value


@orchestrator
def o_catch(context):
    try:
        yield context.call_activity("fail", context.get_input())
    except Exception as error:
        return told(error)
    return "no error"


@orchestrator
def o_uncaught(context):
    yield context.call_activity("fail", context.get_input())


@orchestrator
def o_raise(context):
    broken_down(context.get_input())
    yield context.call_activity("echo", 1)


@orchestrator
def o_raise_after(context):
    context.set_custom_status("before")
    yield context.call_activity("echo", 1)
    context.set_custom_status("after")
    broken_down(context.get_input())


@orchestrator
def o_unknown_activity(context):
    try:
        yield context.call_activity("nope", 1)
    except Exception as error:
        return told(error)


@orchestrator
def o_unknown_activity_retry(context):
    try:
        yield context.call_activity_with_retry("nope", df.RetryOptions(100, 2), 1)
    except Exception as error:
        return told(error)


@orchestrator
def o_unknown_sub(context):
    try:
        yield context.call_sub_orchestrator("nope", 1)
    except Exception as error:
        return told(error)


@orchestrator
def o_unknown_entity(context):
    try:
        result = yield context.call_entity(df.EntityId("nope", "k"), "get")
        return result
    except Exception as error:
        return told(error)


@orchestrator
def o_unknown_entity_signal(context):
    context.signal_entity(df.EntityId("nope", "k"), "get")
    yield context.call_activity("echo", 1)
    return "signalled"


@orchestrator
def o_case_activity(context):
    """Function names of another case."""
    result = yield context.call_activity("ECHO", 5)
    return result


@orchestrator
def o_wrong_kind(context):
    try:
        result = yield context.call_activity("o_return", "text")
        return result
    except Exception as error:
        return told(error)
