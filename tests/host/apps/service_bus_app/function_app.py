"""Functions that Service Bus triggers; each writes down what it was given."""

import json
import os
import time
from pathlib import Path
from typing import List  # noqa: UP035

import azure.functions as func

app = func.FunctionApp()
FOLDER = Path(os.environ["SEEN"])
CONNECTION = "BUS"


def _note(name: str, document: object) -> None:
    with (FOLDER / name).open("a") as file:
        file.write(json.dumps(document) + "\n")


def _described(message: func.ServiceBusMessage) -> dict[str, object]:
    return {
        "body": message.get_body().decode(),
        "message_id": message.message_id,
        "delivery_count": message.delivery_count,
        "sequence_number": message.sequence_number,
        "lock_token": message.lock_token,
        "enqueued": str(message.enqueued_time_utc),
        "content_type": message.content_type,
        "correlation_id": message.correlation_id,
        "subject": message.subject,
        "application_properties": message.application_properties,
        "user_properties": message.user_properties,
    }


@app.service_bus_queue_trigger(arg_name="message", queue_name="singles", connection=CONNECTION)
def one(message: func.ServiceBusMessage) -> None:
    _note("one", _described(message))


@app.service_bus_queue_trigger(
    arg_name="messages", queue_name="batches", connection=CONNECTION, cardinality="many"
)
def many(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006 - list[] is refused
    _note("many", [_described(message) for message in messages])


@app.service_bus_topic_trigger(
    arg_name="message", topic_name="news", subscription_name="all", connection=CONNECTION
)
def heard(message: func.ServiceBusMessage) -> None:
    _note("heard", _described(message))


@app.service_bus_queue_trigger(arg_name="message", queue_name="failing", connection=CONNECTION)
def fails(message: func.ServiceBusMessage) -> None:
    _note("fails", message.delivery_count)
    raise ValueError("never")


@app.service_bus_queue_trigger(arg_name="message", queue_name="deadly", connection=CONNECTION)
def dies_once(message: func.ServiceBusMessage) -> None:
    _note("dies_once", message.delivery_count)
    if message.delivery_count == 1:
        os._exit(1)


@app.service_bus_queue_trigger(arg_name="message", queue_name="slow", connection=CONNECTION)
def slow(message: func.ServiceBusMessage) -> None:
    _note("slow-begun", message.delivery_count)
    time.sleep(float(message.get_body()))
    _note("slow", message.delivery_count)
