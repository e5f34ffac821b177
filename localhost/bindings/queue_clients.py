"""Clients of Storage queues."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from localhost.bindings.connections import StorageConnection
from localhost.bindings.contract import BindingError
from localhost.execution.contract import FunctionInfo

SERVICE = "queue"
# The newest version that Azurite 3.35 knows.
API_VERSION = "2025-11-05"


def queue_name(info: FunctionInfo, binding: Mapping[str, Any]) -> str:
    """The queue that a binding names; Azure's extension writes its name in small letters.

    Raises:
        BindingError: It names none, or one that depends on the call.
    """
    name = str(binding.get("queueName") or "").lower()
    if not name:
        raise BindingError(f"Function '{info.name}': its '{binding['name']}' names no queue.")
    if "{" in name:
        raise BindingError(
            f"Function '{info.name}': its '{binding['name']}' names the queue '{name}' by an "
            "expression, which this host does not resolve. Name the queue, or run the function "
            "with Core Tools (func start)."
        )
    return name


async def open_service(connection: StorageConnection, exits: AsyncExitStack) -> QueueServiceClient:
    """Make a client of an account; whoever asks closes it."""
    if connection.connection_string is not None:
        client = QueueServiceClient.from_connection_string(
            connection.connection_string, api_version=API_VERSION
        )
    else:
        credential = DefaultAzureCredential(managed_identity_client_id=connection.client_id)
        await exits.enter_async_context(credential)
        client = QueueServiceClient(
            str(connection.service_uri), credential, api_version=API_VERSION
        )
    return await exits.enter_async_context(client)


async def send(queue: QueueClient, content: str) -> None:
    """Send a message, and make the queue first where there is none."""
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        await queue.create_queue()
        await queue.send_message(content)
