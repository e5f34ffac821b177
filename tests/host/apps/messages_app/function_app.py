"""Functions that send messages, and functions that write down what they are given."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any, List  # noqa: UP035

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
FOLDER = Path(os.environ["SEEN"])
BUS = "BUS"
QUEUES = "QUEUES"


def _note(name: str, document: object) -> None:
    with (FOLDER / name).open("a") as file:
        file.write(json.dumps(document) + "\n")


def _value(request: func.HttpRequest) -> object:
    """What a test wants sent: JSON as it is, bytes and messages by their names."""
    wanted = request.get_json()
    if not isinstance(wanted, dict):
        return wanted
    if "bytes" in wanted:
        return base64.b64decode(wanted["bytes"])
    if "message" in wanted:
        return func.QueueMessage(body=wanted["message"])
    return [func.QueueMessage(body=body) for body in wanted["messages"]]


@app.route("bus-queue", methods=["POST"])
@app.service_bus_queue_output(arg_name="sent", queue_name="orders", connection=BUS)
def bus_queue(req: func.HttpRequest, sent: func.Out[str]) -> str:
    sent.set(_value(req))
    return "sent"


@app.route("bus-topic", methods=["POST"], binding_arg_name="response")
@app.service_bus_topic_output(arg_name="$return", topic_name="news", connection=BUS)
def bus_topic(req: func.HttpRequest, response: func.Out[func.HttpResponse]) -> str:
    response.set(func.HttpResponse("told", status_code=201))
    return req.get_body().decode()


@app.route("bus-nowhere", methods=["POST"])
@app.service_bus_queue_output(arg_name="sent", queue_name="nowhere", connection=BUS)
def bus_nowhere(req: func.HttpRequest, sent: func.Out[str]) -> str:
    sent.set("lost")
    return "sent"


@app.route("queue", methods=["POST"])
@app.queue_output(arg_name="sent", queue_name="Made-By-Output", connection=QUEUES)
def queue(req: func.HttpRequest, sent: func.Out[List[str]]) -> str:  # noqa: UP006
    if (value := _value(req)) is not None:
        sent.set(value)
    return "sent"


@app.route("orchestrations", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> str:
    return str(await client.start_new("orchestration", client_input=req.get_json()))


@app.orchestration_trigger(context_name="context")
def orchestration(context: df.DurableOrchestrationContext) -> Any:
    told = yield context.call_activity("tell", context.get_input())
    _note("told", told)
    return told


@app.activity_trigger(input_name="body")
@app.queue_output(arg_name="sent", queue_name="from-activities", connection=QUEUES)
def tell(body: str, sent: func.Out[str]) -> str:
    sent.set(body)
    return f"sent {body}"


@app.service_bus_queue_trigger(arg_name="message", queue_name="plain", connection=BUS)
@app.queue_output(arg_name="$return", queue_name="forwarded", connection=QUEUES)
def forward(message: func.ServiceBusMessage) -> str:
    _note("forward", message.delivery_count)
    return message.get_body().decode()


@app.queue_trigger(arg_name="message", queue_name="jobs", connection=QUEUES)
def job(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    _note("job-begun", body)
    time.sleep({"slow": 0.5, "very slow": 2}.get(body, 0))
    _note(
        "job",
        {
            "body": body,
            "id": message.id,
            "dequeue_count": message.dequeue_count,
            "insertion_time": str(message.insertion_time),
            "expiration_time": str(message.expiration_time),
            "time_next_visible": str(message.time_next_visible),
            "pop_receipt": message.pop_receipt,
        },
    )
    if body == "bad":
        raise ValueError("never")


@app.queue_trigger(arg_name="message", queue_name="raw", connection=QUEUES, data_type="binary")
async def raw(message: func.QueueMessage) -> None:
    _note("raw", base64.b64encode(message.get_body()).decode())


@app.queue_trigger(arg_name="text", queue_name="texts", connection=QUEUES)
def texts(text: str) -> None:
    _note("texts", text)


@app.service_bus_queue_trigger(
    arg_name="message", queue_name="in-sessions", connection=BUS, is_sessions_enabled=True
)
def in_session(message: func.ServiceBusMessage) -> None:
    body = message.get_body().decode()
    _note("in-session", ["begun", message.session_id, body])
    if body == "fails once" and message.delivery_count == 1:
        raise ValueError("again")
    time.sleep(12 if body == "longer than its lock" else 0.05)
    _note("in-session", ["ended", message.session_id, body])


@app.service_bus_topic_trigger(
    arg_name="messages",
    topic_name="news",
    subscription_name="in-sessions",
    connection=BUS,
    is_sessions_enabled=True,
    cardinality="many",
)
def session_batch(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006
    _note("session-batch", [[one.session_id, one.get_body().decode()] for one in messages])
