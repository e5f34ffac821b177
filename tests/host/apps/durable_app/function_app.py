"""One small orchestration for each thing that the durable protocol can do."""

import pathlib
import time
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="value")
def echo(value):
    return value


@app.activity_trigger(input_name="message")
def fail(message: str):
    raise ValueError(message)


@app.activity_trigger(input_name="plan")
def fail_first(plan: dict):
    """Fails `times` times, counting in a file, then returns how often it was tried."""
    tries = pathlib.Path(plan["file"])
    with tries.open("a") as file:
        file.write("x")
    tried = len(tries.read_text())
    if tried <= plan["times"]:
        raise ValueError(f"try {tried}")
    return tried


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    first = yield context.call_activity("echo", context.get_input()["value"])
    second = yield context.call_activity("echo", [first, first])
    return second


@app.orchestration_trigger(context_name="context")
def all_of(context: df.DurableOrchestrationContext):
    n = context.get_input()["n"]
    return (yield context.task_all([context.call_activity("echo", i) for i in range(n)]))


@app.orchestration_trigger(context_name="context")
def any_of(context: df.DurableOrchestrationContext):
    event = context.wait_for_external_event("never")
    quick = context.call_activity("echo", "quick")
    winner = yield context.task_any([event, quick])
    return {"is_quick": winner is quick, "result": winner.result}


@app.orchestration_trigger(context_name="context")
def fails(context: df.DurableOrchestrationContext):
    yield context.call_activity("fail", "boom")


@app.orchestration_trigger(context_name="context")
def catches(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity("fail", "boom")
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def raises(context: df.DurableOrchestrationContext):
    yield context.call_activity("echo", 1)
    raise RuntimeError("from the orchestrator")


@app.orchestration_trigger(context_name="context")
def retries(context: df.DurableOrchestrationContext):
    plan = context.get_input()
    options = df.RetryOptions(10, plan["attempts"])
    return (yield context.call_activity_with_retry("fail_first", options, plan))


@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    child = context.instance_id + ":child"
    return (yield context.call_sub_orchestrator("chain", {"value": 7}, child))


@app.orchestration_trigger(context_name="context")
def parent_of_waiting(context: df.DurableOrchestrationContext):
    child = context.instance_id + ":child"
    return (yield context.call_sub_orchestrator("collects", {"count": 1}, child))


@app.orchestration_trigger(context_name="context")
def parent_of_failing(context: df.DurableOrchestrationContext):
    try:
        options = df.RetryOptions(10, 2)
        yield context.call_sub_orchestrator_with_retry("fails", options)
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def sleeps(context: df.DurableOrchestrationContext):
    seconds = context.get_input()["seconds"]
    begun = context.current_utc_datetime
    yield context.create_timer(begun + timedelta(seconds=seconds))
    return (context.current_utc_datetime - begun).total_seconds()


@app.orchestration_trigger(context_name="context")
def cancels_timer(context: df.DurableOrchestrationContext):
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=5))
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([timer, event])
    if winner is event:
        timer.cancel()
    return event.result


@app.orchestration_trigger(context_name="context")
def collects(context: df.DurableOrchestrationContext):
    got = []
    for _ in range(context.get_input()["count"]):
        got.append((yield context.wait_for_external_event("item")))
    return got


@app.orchestration_trigger(context_name="context")
def generations(context: df.DurableOrchestrationContext):
    """Takes one event in each generation, and continues as new until it has three."""
    got = context.get_input()["got"]
    got.append((yield context.wait_for_external_event("item")))
    if len(got) < 3:
        context.continue_as_new({"got": got})
        return None
    return got


@app.orchestration_trigger(context_name="context")
def reports(context: df.DurableOrchestrationContext):
    context.set_custom_status({"step": 1})
    yield context.wait_for_external_event("go")
    context.set_custom_status({"step": 2})
    return "done"


@app.orchestration_trigger(context_name="context")
def counts(context: df.DurableOrchestrationContext):
    entity = df.EntityId("counter", context.get_input()["key"])
    context.signal_entity(entity, "add", 5)
    yield context.call_entity(entity, "add", 2)
    return (yield context.call_entity(entity, "get"))


@app.orchestration_trigger(context_name="context")
def asks_wrongly(context: df.DurableOrchestrationContext):
    try:
        yield context.call_entity(df.EntityId("counter", "wrong"), "divide")
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def calls_nobody(context: df.DurableOrchestrationContext):
    yield context.call_activity("ecoh", 1)


@app.orchestration_trigger(context_name="context")
def identities(context: df.DurableOrchestrationContext):
    before = context.new_uuid()
    yield context.call_activity("echo", 1)
    return {"ids": [before, context.new_uuid()], "parent": context.parent_instance_id}


@app.orchestration_trigger(context_name="context")
def empty_sets(context: df.DurableOrchestrationContext):
    return (yield context.task_all([]))


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    if context.operation_name == "divide":
        raise ZeroDivisionError("by nothing")
    if context.operation_name == "add":
        value += context.get_input()
        context.set_state(value)
    context.set_result(value)


@app.route(route="ping", methods=["GET"])
def ping(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("pong")


@app.activity_trigger(input_name="seconds")
def nap(seconds: float):
    time.sleep(seconds)
    return seconds


@app.orchestration_trigger(context_name="context")
def naps(context: df.DurableOrchestrationContext):
    """Rounds of naps, with a sub-orchestration, an entity and a timer in between."""
    plan = context.get_input()
    entity = df.EntityId("counter", context.instance_id)
    taken = 0
    for _ in range(plan["rounds"]):
        tasks = [context.call_activity("nap", plan["seconds"]) for _ in range(plan["width"])]
        taken += len((yield context.task_all(tasks)))
        yield context.call_entity(entity, "add", plan["width"])
        yield context.call_sub_orchestrator("chain", {"value": taken})
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=50))
    return {"taken": taken, "counted": (yield context.call_entity(entity, "get"))}


@app.orchestration_trigger(context_name="context")
def version_of(context: df.DurableOrchestrationContext):
    return context.version


@app.activity_trigger(input_name="size")
def text_of(size: int):
    return "x" * size


@app.orchestration_trigger(context_name="context")
def large(context: df.DurableOrchestrationContext):
    """Results far above what the extension keeps in a history row."""
    texts = yield context.task_all([context.call_activity("text_of", 200_000) for _ in range(3)])
    child = yield context.call_sub_orchestrator("large_child")
    return [len(text) for text in (*texts, child)]


@app.orchestration_trigger(context_name="context")
def large_child(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("text_of", 100_000))


@app.orchestration_trigger(context_name="context")
def calls_http(context: df.DurableOrchestrationContext):
    answer = yield context.call_http("GET", context.get_input()["url"])
    return {"status": answer["statusCode"], "content": answer["content"]}


@app.orchestration_trigger(context_name="context")
def changes_its_mind(context: df.DurableOrchestrationContext):
    """Calls another activity when it is replayed, which no orchestrator may do."""
    name = "echo" if not context.is_replaying else "nap"
    yield context.call_activity(name, 0)
    yield context.call_activity("echo", 1)


@app.orchestration_trigger(context_name="context")
def calls_unknown_child(context: df.DurableOrchestrationContext):
    yield context.call_sub_orchestrator("nobody")


@app.orchestration_trigger(context_name="context")
def calls_unknown_entity(context: df.DurableOrchestrationContext):
    yield context.call_entity(df.EntityId("nobody", "k"), "get")


@app.orchestration_trigger(context_name="context")
def yields_a_list(context: df.DurableOrchestrationContext):
    yield [context.call_activity("echo", 1)]
