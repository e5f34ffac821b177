"""Functions that do nothing with what Service Bus triggers them with."""

from typing import List  # noqa: UP035 - the worker refuses list[]

import azure.functions as func

app = func.FunctionApp()


@app.service_bus_queue_trigger(arg_name="message", queue_name="singles", connection="BUS")
def one(message: func.ServiceBusMessage) -> None:
    message.get_body()


@app.service_bus_queue_trigger(
    arg_name="messages", queue_name="batches", connection="BUS", cardinality="many"
)
def many(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006 - as above
    for message in messages:
        message.get_body()
