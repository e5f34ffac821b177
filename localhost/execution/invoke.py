"""One call of one function, awaited."""

import asyncio
from collections.abc import Sequence

from localhost.execution.contract import Executor, Invocation, InvocationResult


async def invoke(executor: Executor, invocation: Invocation) -> InvocationResult:
    """Run an invocation and return its result, which may be an error."""
    future: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()

    def resolve(results: Sequence[InvocationResult]) -> None:
        if not future.done():
            future.set_result(results[0])

    executor.submit([invocation], resolve)
    return await future
