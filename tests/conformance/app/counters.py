"""Entities."""

import azure.durable_functions as df
from triggers import entity, orchestrator, seen, told

from activities import Plain, broken_down


@entity
def counter(context):
    state = context.get_state(lambda: 0)
    operation = context.operation_name
    if operation == "add":
        state += context.get_input()
        context.set_state(state)
        context.set_result(state)
    elif operation == "get":
        context.set_result(state)
    elif operation == "reset":
        context.set_state(0)
    elif operation == "input":
        try:
            value = seen(context.get_input())
        except Exception as error:
            value = told(error)
        context.set_state(value)
        context.set_result(value)
    elif operation == "raw":
        context.set_state({"raw": context._input})
    elif operation == "fail":
        raise ValueError("entity failed")
    elif operation == "failkind":
        broken_down(context.get_input())
    elif operation == "set_and_fail":
        context.set_state(state + 1000)
        raise ValueError("after set_state")
    elif operation == "delete":
        context.destruct_on_exit()
    elif operation == "delete_result":
        context.set_result("gone")
        context.destruct_on_exit()
    elif operation == "name":
        context.set_result([context.entity_name, context.entity_key, context.is_newly_constructed])
    elif operation == "set":
        context.set_state(context.get_input())
    elif operation == "none":
        context.set_state(None)
    elif operation == "big":
        context.set_state("b" * context.get_input())
        context.set_result(len(context.get_state()))
    elif operation == "unserializable":
        context.set_result(Plain())


@entity
def Journal(context):
    """Keeps the order of what it was told."""
    state = context.get_state(lambda: [])
    if context.operation_name == "get":
        context.set_result(state)
    else:
        state.append(context.get_input())
        context.set_state(state)


@orchestrator
def o_entity(context):
    """Calls the operations it is told; x: [key, [[operation, input], ...]]."""
    key, operations = context.get_input()
    results = []
    for operation, given in operations:
        try:
            result = yield context.call_entity(df.EntityId("counter", key), operation, given)
            results.append(seen(result))
        except Exception as error:
            results.append(told(error))
    return results


@orchestrator
def o_entity_uncaught(context):
    yield context.call_entity(df.EntityId("counter", context.get_input()), "fail")


@orchestrator
def o_entity_signals(context):
    key = context.get_input()
    for n in range(10):
        context.signal_entity(df.EntityId("Journal", key), "add", n)
    result = yield context.call_entity(df.EntityId("Journal", key), "get")
    return result


@orchestrator
def o_entity_signal_none(context):
    key = context.get_input()
    context.signal_entity(df.EntityId("counter", key), "input")
    yield context.call_activity("no_return", 1)
    result = yield context.call_entity(df.EntityId("counter", key), "get")
    return result


@orchestrator
def o_entity_all(context):
    key = context.get_input()
    results = yield context.task_all(
        [context.call_entity(df.EntityId("counter", key), "add", 1) for _ in range(20)]
    )
    return sorted(results)


@orchestrator
def o_entity_all_fail(context):
    key = context.get_input()
    try:
        results = yield context.task_all(
            [
                context.call_entity(df.EntityId("counter", key), op, 1)
                for op in ("add", "fail", "add")
            ]
        )
        return results
    except Exception as error:
        return told(error)


@orchestrator
def o_entity_case(context):
    key = context.get_input()
    one = yield context.call_entity(df.EntityId("COUNTER", key), "add", 1)
    two = yield context.call_entity(df.EntityId("Counter", key), "add", 1)
    three = yield context.call_entity(df.EntityId("counter", key), "name")
    return [one, two, three]
