"""What the app asks of the client of the SDK 1.x."""

from types import SimpleNamespace
from typing import Any

from fanout.durable import client as durable
from fanout.durable.status import InstanceStatus
from tests.support.doubles.durable_client import CREATED, Client


async def test_an_orchestration_is_started_seen_woken_ended_and_purged():
    client = Client()
    await durable.start(client, "run", "it", {"run_id": "it"})
    assert (client.started, client.inputs) == (["it"], [{"run_id": "it"}])
    assert await durable.read_status(client, "it") == InstanceStatus("Running", CREATED, CREATED)
    await durable.raise_event(client, "it", "turn")
    await durable.terminate(client, "it", "enough")
    assert await durable.read_status(client, "it") == InstanceStatus(
        "Terminated", CREATED, CREATED, "enough"
    )
    assert [await durable.purge(client, "it") for _ in range(2)] == [1, 0]


class _Unknown(SimpleNamespace):
    """The SDK's status of an orchestration that there is not."""

    def __bool__(self) -> bool:
        return False


async def test_a_status_that_is_false_is_none():
    async def get_status(instance: str) -> Any:
        return _Unknown(runtime_status=None)

    assert await durable.read_status(SimpleNamespace(get_status=get_status), "it") is None


async def test_an_event_has_its_value():
    raised: list[Any] = []

    async def raise_event(*said: Any) -> None:
        raised.append(said)

    await durable.raise_event(SimpleNamespace(raise_event=raise_event), "it", "rest", "3 12")
    assert raised == [("it", "rest", "3 12")]
