"""A Functions host in a few lines: it has an app carry out what a backend of durabletask asks for.

The app is called as Azure calls one on the SDK 2.x: an orchestrator gets its history as protobuf in
base64 and answers so, an activity gets JSON.
"""

import asyncio
import base64
import inspect
import json
from typing import Any

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs


class FunctionsHost:
    """Calls the functions of an app.

    Args:
        app: It was made with the SDK 2.x.
        address: Of the backend.
    """

    def __init__(self, app: Any, address: str) -> None:
        self._functions = {f.get_function_name(): f for f in app.get_functions()}
        self._names = {_name_called(function): name for name, function in self._functions.items()}
        self._address = address
        self._calls: set[asyncio.Task[None]] = set()
        self.faults: list[BaseException] = []

    async def serve(self) -> None:
        """Take work for ever."""
        async with grpc.aio.insecure_channel(self._address) as channel:
            stub = stubs.TaskHubSidecarServiceStub(channel)
            async for item in stub.GetWorkItems(pb.GetWorkItemsRequest()):
                call = asyncio.create_task(self._answer(stub, item))
                self._calls.add(call)
                call.add_done_callback(self._note_end)

    def _note_end(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if not call.cancelled() and call.exception() is not None:
            self.faults.append(call.exception())

    async def _answer(self, stub: Any, item: Any) -> None:
        if item.HasField("orchestratorRequest"):
            response = await self._orchestrate(item.orchestratorRequest)
            response.completionToken = item.completionToken
            await stub.CompleteOrchestratorTask(response)
        else:
            response = await self._act(item.activityRequest)
            response.completionToken = item.completionToken
            await stub.CompleteActivityTask(response)

    async def _orchestrate(self, request: Any) -> Any:
        events = [*request.pastEvents, *request.newEvents]
        started = [e.executionStarted.name for e in events if e.HasField("executionStarted")]
        function = self._function(started[-1])
        text = await function(base64.b64encode(request.SerializeToString()).decode())
        response = pb.OrchestratorResponse()
        response.ParseFromString(base64.b64decode(text))
        response.instanceId = request.instanceId
        return response

    async def _act(self, request: Any) -> Any:
        instance = request.orchestrationInstance.instanceId
        response = pb.ActivityResponse(instanceId=instance, taskId=request.taskId)
        try:
            value = self._function(request.name)(json.loads(request.input.value))
            if inspect.isawaitable(value):
                value = await value
            response.result.value = json.dumps(value)
        except Exception as error:
            response.failureDetails.CopyFrom(helpers.new_failure_details(error))
        return response

    def _function(self, name: str) -> Any:
        return self._functions[self._names[name]].get_user_function()


def _name_called(function: Any) -> str:
    """Under which name orchestrators call a function: that of its trigger, else its own."""
    trigger = function.get_trigger()
    called = getattr(trigger, "orchestration", None) or getattr(trigger, "activity", None)
    return str(called or function.get_function_name())
