"""What the host waits for before it answers a caller whose response is a stream."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from localhost.execution import wire
from localhost.execution.contract import InvocationResult
from localhost.http import streaming

REQUEST: Any = SimpleNamespace(transport=SimpleNamespace(is_closing=lambda: False))


async def first(result: InvocationResult) -> Any:
    """What comes first where the call ends well before the status does."""

    async def call() -> InvocationResult:
        return result

    reader = asyncio.StreamReader()
    asyncio.get_running_loop().call_later(0.05, reader.feed_data, wire.frame((200, [])))
    sending = asyncio.create_task(asyncio.sleep(0))
    return await streaming._first(REQUEST, asyncio.create_task(call()), reader, sending)


async def test_a_response_counts_though_an_output_could_not_be_written() -> None:
    failed = InvocationResult("i", error="OutputError: the output 'row' cannot be written")
    assert await first(failed) == (200, [])


async def test_a_call_that_the_host_gives_up_has_no_response() -> None:
    with pytest.raises(streaming._AbandonedError):
        await first(InvocationResult("i", error="took too long", is_given_up=True))
