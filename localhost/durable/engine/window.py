"""A bounded window of calls in flight: FIFO, topped up in batches as results arrive."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from localhost.execution.contract import Executor, Invocation, InvocationResult

T = TypeVar("T")


class Window(Generic[T]):
    """At most `limit` calls of one kind in flight; the rest wait in order.

    Args:
        make: Builds the call when its turn comes; None if it is no longer wanted.
        deliver: Takes results, in the batches they arrive in.
    """

    def __init__(
        self,
        executor: Executor,
        limit: int,
        make: Callable[[T], Invocation | None],
        deliver: Callable[[list[tuple[T, InvocationResult]]], None],
    ) -> None:
        self._executor = executor
        self._limit = limit
        self._make = make
        self._deliver = deliver
        self._waiting: deque[T] = deque()
        self._in_flight: dict[str, T] = {}
        self._is_open = True
        self._idle: asyncio.Future[None] | None = None

    def add(self, targets: Iterable[T]) -> None:
        """Queue calls."""
        self._waiting.extend(targets)
        self._fill()

    async def close(self, grace_seconds: float) -> None:
        """Start no more calls, and wait a while for those in flight."""
        self._is_open = False
        if self._in_flight:
            self._idle = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._idle], timeout=grace_seconds)

    def _fill(self) -> None:
        batch: list[Invocation] = []
        while self._is_open and self._waiting and len(self._in_flight) < self._limit:
            target = self._waiting.popleft()
            invocation = self._make(target)
            if invocation is not None:
                self._in_flight[invocation.id] = target
                batch.append(invocation)
        if batch:
            self._executor.submit(batch, self._take_results)

    def _take_results(self, results: Sequence[InvocationResult]) -> None:
        pairs = [(self._in_flight.pop(result.id), result) for result in results]
        self._fill()
        self._deliver(pairs)
        if self._idle is not None and not self._in_flight and not self._idle.done():
            self._idle.set_result(None)
