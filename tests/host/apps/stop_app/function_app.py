"""Timer functions that are still at work when the host is told to stop."""

import asyncio
import logging
import os

import azure.durable_functions as df
import azure.functions as func

logger = logging.getLogger(__name__)
app = df.DFApp()
NEVER = "0 0 0 1 1 *"


async def _work(name: str, client: df.DurableOrchestrationClient) -> None:
    logger.info("%s began in %d.", name, os.getpid())
    await asyncio.sleep(float(os.environ["WORK_SECONDS"]))
    logger.info("%s started %s.", name, await client.start_new("nothing"))


@app.timer_trigger(schedule=NEVER, arg_name="timer", run_on_startup=True, use_monitor=False)
@app.durable_client_input(client_name="client")
async def at_once(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    await _work("at_once", client)


@app.timer_trigger(schedule=NEVER, arg_name="timer", use_monitor=False)
@app.durable_client_input(client_name="client")
async def by_hand(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    await _work("by_hand", client)


@app.route(route="found", auth_level=func.AuthLevel.ANONYMOUS)
def found(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("found")


@app.orchestration_trigger(context_name="context")
def nothing(context: df.DurableOrchestrationContext):
    yield context.task_all([])
