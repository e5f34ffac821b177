"""The durable client of the SDK 2.x: it speaks gRPC.

The methods of 1.x are there, too, but warn at each call that they will go.
"""

from typing import Any

from fanout.durable.status import InstanceStatus

# What durabletask calls the states, in the words of 1.x, which rows and people know.
RUNTIMES = {
    "RUNNING": "Running",
    "COMPLETED": "Completed",
    "FAILED": "Failed",
    "TERMINATED": "Terminated",
    "CONTINUED_AS_NEW": "ContinuedAsNew",
    "PENDING": "Pending",
    "SUSPENDED": "Suspended",
}


class UnpurgedError(Exception):
    """The history of an orchestration was not deleted, for it has not ended."""


async def start(client: Any, name: str, instance: str, message: Any) -> None:
    """Start an orchestration; the host refuses while there is one of this id that has not ended."""
    await client.schedule_new_orchestration(name, input=message, instance_id=instance)


async def read_status(client: Any, instance: str) -> InstanceStatus | None:
    """How an orchestration stands; None if there is none."""
    state = await client.get_orchestration_state(instance)
    if state is None:
        return None
    output = state.get_output()
    if output is None and state.failure_details is not None:
        output = state.failure_details.message
    runtime = RUNTIMES[state.runtime_status.name]
    return InstanceStatus(runtime, state.created_at, state.last_updated_at, output)


async def raise_event(client: Any, instance: str, name: str, value: Any = None) -> None:
    """Raise an event of an orchestration, which gets the value through JSON."""
    await client.raise_orchestration_event(instance, name, data=value)


async def terminate(client: Any, instance: str, reason: str) -> None:
    """Have Durable end an orchestration, without its children, which 2.x ends by default."""
    await client.terminate_orchestration(instance, output=reason, recursive=False)


async def purge(client: Any, instance: str) -> int:
    """Delete the history of an orchestration; gives how many there were.

    Raises:
        UnpurgedError: It runs; the SDK 1.x raises then, this one only says that it deleted none.
    """
    result = await client.purge_orchestration(instance, recursive=False)
    deleted = int(result.deleted_instance_count)
    if deleted == 0 and await client.get_orchestration_state(instance) is not None:
        raise UnpurgedError(instance)
    return deleted


def management_urls(client: Any, instance: str) -> dict[str, str]:
    """The URLs of Durable's own API for an orchestration, with the key of the task hub."""
    return dict(client.create_http_management_payload(instance_id=instance))
