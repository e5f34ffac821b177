"""The durable client of the SDK 1.x: it speaks HTTP, and works on an event loop only."""

from typing import Any

from fanout.durable.status import InstanceStatus


async def start(client: Any, name: str, instance: str, message: Any) -> None:
    """Start an orchestration; the host refuses while there is one of this id that has not ended."""
    await client.start_new(name, instance, message)


async def read_status(client: Any, instance: str) -> InstanceStatus | None:
    """How an orchestration stands; None if there is none. The SDK gives a status that is false."""
    known = await client.get_status(instance)
    if not known:
        return None
    runtime = known.runtime_status.value if known.runtime_status else None
    return InstanceStatus(runtime, known.created_time, known.last_updated_time, known.output)


async def raise_event(client: Any, instance: str, name: str, value: Any = None) -> None:
    """Raise an event of an orchestration, which gets the value through JSON."""
    more = () if value is None else (value,)
    await client.raise_event(instance, name, *more)


async def terminate(client: Any, instance: str, reason: str) -> None:
    """Have Durable end an orchestration, without its children."""
    await client.terminate(instance, reason)


async def purge(client: Any, instance: str) -> int:
    """Delete the history of an orchestration, unless it runs; gives how many there were."""
    return int((await client.purge_instance_history(instance)).instances_deleted)


def management_urls(client: Any, instance: str) -> dict[str, str]:
    """The URLs of Durable's own API for an orchestration, with the key of the task hub."""
    urls: dict[str, str] = client.create_http_management_payload(instance)
    return urls
