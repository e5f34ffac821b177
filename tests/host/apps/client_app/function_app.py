"""Functions that use the Durable SDK's client, from HTTP and from an activity."""

import os
import pathlib

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, context: func.Context
) -> func.HttpResponse:
    instance_id = await client.start_new(req.route_params["name"], client_input=req.get_json())
    return client.create_check_status_response(req, instance_id)


@app.route(route="wait/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def wait(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new(req.route_params["name"], client_input=req.get_json())
    return await client.wait_for_completion_or_create_check_status_response(
        req, instance_id, timeout_in_milliseconds=20_000, retry_interval_in_milliseconds=50
    )


@app.orchestration_trigger(context_name="context")
def double_all(context: df.DurableOrchestrationContext):
    numbers = context.get_input()
    return (yield context.task_all([context.call_activity("double", n) for n in numbers]))


@app.activity_trigger(input_name="number")
def double(number: int) -> int:
    return 2 * number


@app.orchestration_trigger(context_name="context")
def die_once(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("die_unless", context.get_input()))


@app.activity_trigger(input_name="path")
def die_unless(path: str) -> str:
    marker = pathlib.Path(path)
    if not marker.exists():
        marker.touch()
        os._exit(3)
    return "survived"


@app.orchestration_trigger(context_name="context")
def ask_status(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("status_of", context.instance_id))


@app.activity_trigger(input_name="instance")
@app.durable_client_input(client_name="client")
async def status_of(instance: str, client: df.DurableOrchestrationClient) -> str:
    status = await client.get_status(instance)
    return str(status.runtime_status)
