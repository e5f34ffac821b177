"""Functions that fail, answer and log in every odd way, each told which by its input."""

import asyncio
import json
import logging
import os
import threading

import azure.durable_functions as df
import azure.functions as func
from oddities import ERRORS, FAULTS, VALUES, fail

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
LEFT = []
logger = logging.getLogger(__name__)
TICKS = iter([*ERRORS, *FAULTS] * 1_000)


def perform(ask):
    """Raise, return, log or print what is asked for."""
    how, what = ask
    if how == "raise":
        fail(what)
    if how == "log":
        logger.error("%s", VALUES[what]())
        print(VALUES[what]())
        return "logged"
    if how == "log error":
        try:
            fail(what)
        except BaseException:
            logger.exception("caf\udce9")
            return "logged"
    return VALUES[what]()


@app.activity_trigger(input_name="ask")
def act(ask):
    return perform(ask)


@app.activity_trigger(input_name="ask")
async def act_async(ask):
    await asyncio.sleep(0)
    return perform(ask)


@app.activity_trigger(input_name="ask")
async def act_gather(ask):
    async def child():
        await asyncio.sleep(0)
        return perform(ask)

    return (await asyncio.gather(child(), asyncio.sleep(0)))[0]


@app.activity_trigger(input_name="ask")
async def act_group(ask):
    async def child():
        await asyncio.sleep(0)
        return perform(ask)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(child())
    return task.result()


@app.activity_trigger(input_name="ask")
async def act_behind(ask):
    """Leave a task, a callback and a thread behind that fail."""
    loop = asyncio.get_running_loop()
    LEFT.append(loop.create_task(_late(ask)))
    loop.call_soon(perform, ask)
    thread = threading.Thread(target=perform, args=[ask])
    thread.start()
    thread.join()
    await asyncio.sleep(0)
    return "left"


async def _late(ask):
    await asyncio.sleep(0)
    return perform(ask)


@app.activity_trigger(input_name="ask")
async def act_on_loop(ask):
    """Do what only a host may do with its loop and tasks."""
    loop = asyncio.get_running_loop()
    if ask == "stop":
        loop.stop()
        await asyncio.sleep(0)
    elif ask == "cancel":
        asyncio.current_task().cancel()
    elif ask == "cancel all":
        for task in asyncio.all_tasks():
            task.cancel()
    elif ask == "close":
        loop.close()
    return ask


@app.activity_trigger(input_name="value")
def same(value):
    return value


@app.activity_trigger(input_name="value")
async def same_async(value):
    return value


@app.orchestration_trigger(context_name="context")
def calls(context):
    name, value = context.get_input()
    return (yield context.call_activity(name, value))


@app.orchestration_trigger(context_name="context")
def first(context):
    result = perform(context.get_input())
    yield context.call_activity("same", 1)
    return result


@app.orchestration_trigger(context_name="context")
def later(context):
    yield context.call_activity("same", 1)
    return perform(context.get_input())


@app.orchestration_trigger(context_name="context")
def timer(context):
    yield context.create_timer(context.current_utc_datetime)
    return perform(context.get_input())


@app.orchestration_trigger(context_name="context")
def quick(context):
    return perform(context.get_input())


@app.orchestration_trigger(context_name="context")
def status(context):
    context.set_custom_status(perform(context.get_input()))
    yield context.call_activity("same", 1)


@app.orchestration_trigger(context_name="context")
def again(context):
    ask = context.get_input()
    if not isinstance(ask, list):
        return "again"
    yield context.call_activity("same", 1)
    context.continue_as_new(perform(ask))


@app.orchestration_trigger(context_name="context")
def child(context):
    try:
        return (yield context.call_sub_orchestrator("later", context.get_input()))
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def inputs(context):
    value = perform(context.get_input())
    yield context.call_activity("same", value)
    yield context.call_sub_orchestrator("again", "x")
    yield context.call_entity(df.EntityId("keeps", "one"), "get", value)
    context.signal_entity(df.EntityId("keeps", "two"), "get", value)


@app.orchestration_trigger(context_name="context")
def names(context):
    """Use what is no name in place of each."""
    place, what = context.get_input()
    value = perform(["return", what])
    if place == "activity":
        yield context.call_activity(value, 1)
    elif place == "retry":
        yield context.call_activity_with_retry("same", df.RetryOptions(1, 1), value)
    elif place == "child":
        yield context.call_sub_orchestrator(value, 1)
    elif place == "child id":
        # Its own: whoever waits for one whose id another takes waits for ever, as in Azure.
        own_id = context.instance_id + value if isinstance(value, str) else value
        yield context.call_sub_orchestrator("later", ["return", "none"], own_id)
    elif place == "entity":
        yield context.call_entity(df.EntityId("keeps", value), "get")
    elif place == "operation":
        yield context.call_entity(df.EntityId("keeps", "three"), value)
    elif place == "event":
        event = context.wait_for_external_event(value)
        yield context.task_any([event, context.create_timer(context.current_utc_datetime)])
    elif place == "http":
        yield context.call_http("GET", value)
    elif place == "header":
        yield context.call_http("GET", "http://127.0.0.1:9/", headers={"x": value})
    elif place == "yield":
        yield value


@app.orchestration_trigger(context_name="context")
def asks(context):
    key, operation, what = context.get_input()
    return (yield context.call_entity(df.EntityId("keeps", key), operation, what))


@app.orchestration_trigger(context_name="context")
def fetches(context):
    answer = yield context.call_http("GET", context.get_input())
    return [answer["statusCode"], answer["headers"].get("X-Odd"), answer["content"]]


@app.orchestration_trigger(context_name="context")
def waits(context):
    return (yield context.wait_for_external_event(context.get_input()))


@app.entity_trigger(context_name="context")
def keeps(context):
    operation = context.operation_name
    if operation == "raise":
        fail(context.get_input())
    elif operation == "state":
        context.set_state(VALUES[context.get_input()]())
    elif operation == "result":
        context.set_result(VALUES[context.get_input()]())
    elif operation == "add":
        context.set_state(context.get_state(lambda: 0) + 1)
        context.set_result(context.get_state(lambda: 0))


@app.route(route="web")
def web(req: func.HttpRequest) -> func.HttpResponse:
    return _respond(req)


@app.route(route="web_async")
async def web_async(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0)
    return _respond(req)


@app.route(route="text")
def text(req: func.HttpRequest) -> str:
    """Answer with the text of the body."""
    return req.get_body().decode()


def _respond(req):
    ask = json.loads(req.get_body())
    value = perform(ask["do"]) if "do" in ask else ask["value"]
    if ask["place"] == "cookie":
        response = func.HttpResponse("x")
        response.headers.add("Set-Cookie", value)
        return response
    makers = {
        "return": lambda: value,
        "body": lambda: func.HttpResponse(value),
        "status": lambda: func.HttpResponse("x", status_code=value),
        "header": lambda: func.HttpResponse("x", headers={"X-Odd": value}),
        "header name": lambda: func.HttpResponse("x", headers={value: "x"}),
        "type": lambda: func.HttpResponse("x", mimetype=value),
    }
    return makers[ask["place"]]()


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="due")
def tick(due: func.TimerRequest) -> None:
    fail(next(TICKS))


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="due")
async def tick_async(due: func.TimerRequest) -> None:
    fail(next(TICKS))


@app.route(route="client")
@app.durable_client_input(client_name="client")
async def client(req: func.HttpRequest, client: df.DurableOrchestrationClient):
    """Make a call of the SDK's client, with a value or a text in one place."""
    ask = json.loads(req.get_body())
    value = perform(ask["do"]) if "do" in ask else ask["value"]
    place, instance_id = ask["place"], ask.get("id")
    if place == "id":
        result = await client.start_new("again", instance_id=value, client_input="x")
    elif place == "input":
        result = await client.start_new("again", client_input=value)
    elif place == "name":
        result = await client.start_new(value)
    elif place == "event name":
        result = await client.raise_event(instance_id, value, 1)
    elif place == "event":
        result = await client.raise_event(instance_id, "go", value)
    elif place == "terminate":
        result = await client.terminate(instance_id, value)
    elif place == "suspend":
        result = await client.suspend(instance_id, value)
    elif place == "rewind":
        result = await client.rewind(instance_id, value)
    elif place == "signal":
        result = await client.signal_entity(df.EntityId("keeps", "four"), value, 1)
    elif place == "status":
        result = (await client.get_status(value)).to_json()
    return func.HttpResponse(json.dumps(result, default=str))


@app.route(route="oddities")
def oddities(req: func.HttpRequest) -> func.HttpResponse:
    names = {"errors": [*ERRORS, *FAULTS], "values": [*VALUES]}
    return func.HttpResponse(json.dumps(names))


@app.route(route="process")
async def process(req: func.HttpRequest) -> func.HttpResponse:
    """Tell which process this is and what threads of the worker it has."""
    names = sorted(thread.name for thread in threading.enumerate())
    return func.HttpResponse(json.dumps({"pid": os.getpid(), "threads": names}))
