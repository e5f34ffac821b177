"""Functions that take longer than host.json allows, and timers that fail until they are retried."""

import asyncio
import logging
import os
import time

import azure.durable_functions as df
import azure.functions as func

logger = logging.getLogger(__name__)
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
tries: list[str] = []


@app.route(route="pid")
def pid(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(os.getpid()))


@app.activity_trigger(input_name="seconds")
def nap(seconds: float):
    time.sleep(seconds)
    logger.info("woke up")
    return seconds


@app.activity_trigger(input_name="seconds")
async def nap_async(seconds: float):
    await asyncio.sleep(seconds)
    return seconds


@app.route(route="stick/{seconds}")
def stick(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.route_params["seconds"]))
    return func.HttpResponse("unstuck")


@app.orchestration_trigger(context_name="context")
def naps(context: df.DurableOrchestrationContext):
    plan = context.get_input()
    return (yield context.call_activity(plan["activity"], plan["seconds"]))


@app.orchestration_trigger(context_name="context")
def spins(context: df.DurableOrchestrationContext):
    time.sleep(2)
    yield context.call_activity("nap", 0)


@app.route(route="unlisted")
def unlisted(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("it should not be here")


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer", run_on_startup=True, use_monitor=False)
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:00")
def fails_twice(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    tries.append("x")
    logger.info("try %d of %d", retry.retry_count, retry.max_retry_count)
    if len(tries) < 3:
        raise ValueError(f"not yet {len(tries)}")
    logger.info("went well after: %s", retry.rpc_exception.message)


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer", run_on_startup=True, use_monitor=False)
@app.retry(
    strategy="exponential_backoff",
    max_retry_count="1",
    minimum_interval="00:00:00",
    maximum_interval="00:00:01",
)
def gives_up(timer: func.TimerRequest) -> None:
    raise ValueError("never")
