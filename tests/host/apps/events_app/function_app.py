"""Functions that events trigger, one for the start of the host, and two that it does not serve."""

import json
import os
from pathlib import Path

import azure.functions as func
from azure.functions.warmup import WarmUpContext
from azurefunctions.extensions.base import SdkType

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
SEEN = Path(os.environ["SEEN"])


class OtherClient(SdkType):
    """A client of an extension that this host does not know."""


def note(kind: str, document: object) -> None:
    with SEEN.open("a") as file:
        file.write(json.dumps([kind, document]) + "\n")


@app.route(route="ping")
def ping(req: func.HttpRequest) -> str:
    return "pong"


@app.warm_up_trigger("beginning")
def warmup(beginning: WarmUpContext) -> None:
    note("warmup", type(beginning).__name__)
    if os.environ.get("COLD"):
        raise ValueError("too cold")


@app.timer_trigger("tick", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_start(tick: func.TimerRequest) -> None:
    note("timer", None)


@app.event_grid_trigger("event")
def plain(event: func.EventGridEvent) -> None:
    note("plain", [event.id, event.subject, event.event_type, event.topic, event.get_json()])
    if event.get_json().get("fail"):
        raise ValueError("no good")


@app.event_grid_trigger("event")
def cloud(event: func.CloudEvent) -> None:
    note("cloud", [event.id, event.source, event.type, event.get_json()])


@app.generic_trigger("event", type="eventGridTrigger")
def generic(event: str) -> None:
    note("generic", json.loads(event)["id"])


if os.environ.get("UNSERVED"):

    @app.event_hub_message_trigger("message", event_hub_name="hub", connection="HUB")
    def streamed(message: func.EventHubEvent) -> None:
        note("never", None)

    @app.service_bus_queue_trigger("message", queue_name="q", connection="BUS")
    def with_client(message: OtherClient) -> None:
        note("never", None)
