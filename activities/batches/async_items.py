"""Process items of a map workload concurrently, in an event loop that any of them may ruin."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from activities.batches.batch import Batch
from activities.batches.event_loop import CANCEL_SECONDS, event_loop
from activities.batches.item_errors import is_kind
from activities.batches.item_try import (
    BatchAtWork,
    ItemTry,
    begin_try,
    end_try,
    fail,
    log,
    make_context,
    may_begin,
    write_down,
)
from fanout.printable import describe_error
from fanout.records import Record

ASYNC_ITEMS_AT_ONCE = 32
# How often a batch looks whether others have written down their long outcomes.
LOOK_EVERY_SECONDS = 0.05


def process_async(work: BatchAtWork, records: Iterable[Record]) -> Iterator[ItemTry]:
    """Process items, some at once.

    Where one ruins the event loop (a task of its own raises `SystemExit`, it stops the loop, or it
    cancels the others), those that have not ended are processed again, each in a loop of its own.
    """
    waiting = [*records]
    together = _Loop(work)
    ruin = together.run(waiting)
    if ruin is not None:
        log.warning("an item ruined the event loop of its batch: %s", describe_error(ruin))
    own = (record for record in waiting if work.batch.may_begin(record.index))
    return (together.ended.get(record.index) or _process_alone(work, record) for record in own)


def _process_alone(work: BatchAtWork, record: Record) -> ItemTry:
    started = time.perf_counter()
    alone = _Loop(work, is_alone=True)
    ruin = alone.run([record])
    if ruin is None or record.index in alone.ended:
        return alone.ended[record.index]
    item = begin_try(work, record)
    fail(work, item, ruin)
    return end_try(work, item, started)


@dataclass
class _Loop:
    """An event loop that processes items.

    Attributes:
        is_alone: Whether there is one item: what cancels it is its own doing.
        ended: What each item came to, by its index.
        is_ruined: Whether the loop is being torn down: what its items raise now is not theirs.
        failure: What was raised that no item raised: storage does not answer, for one.
    """

    work: BatchAtWork
    is_alone: bool = False
    ended: dict[int, ItemTry] = field(default_factory=dict)
    is_ruined: bool = False
    failure: Exception | None = None

    def run(self, records: list[Record]) -> BaseException | None:
        """Process items; gives what ruined the loop, if one of them did.

        Raises:
            Exception: What no item is to blame for.
        """
        ruin = None
        try:
            self._run(records)
        except BaseException as error:  # noqa: BLE001  whatever user code raises is an outcome
            ruin = error
        if self.failure is not None:
            raise self.failure
        return ruin

    def _run(self, records: list[Record]) -> None:
        with event_loop() as loop:
            try:
                loop.run_until_complete(self._process_all(records))
            except BaseException:
                self.is_ruined = True
                raise

    async def _process_all(self, records: list[Record]) -> None:
        gate = asyncio.Semaphore(ASYNC_ITEMS_AT_ONCE)
        tries = (self._process(record, gate) for record in records)
        # An item that cancels its own task is cancelled alone.
        await asyncio.gather(*tries, return_exceptions=True)
        own = (record.index for record in records if self.work.batch.may_begin(record.index))
        missing = [index for index in own if index not in self.ended]
        if missing:
            raise asyncio.CancelledError(f"the item {missing[0]} cancelled its task")

    async def _process(self, record: Record, gate: asyncio.Semaphore) -> None:
        async with gate:
            if not self.work.batch.may_begin(record.index):
                return
            started = time.perf_counter()
            item = begin_try(self.work, record)
            has_ended = True
            if item.error is None and self._may_begin(item):
                has_ended = await self._await_output(item)
            if has_ended and not self.is_ruined:
                end_try(self.work, item, started)
                self.ended[record.index] = write_down(self.work, item, waits=False)
                await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        """Begin no other item while the outcomes may not become longer; those at work go on."""
        # Another thread's batch frees them, and knows no event of this loop.
        while not self.work.outcomes.may_go_on(waits=False):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _may_begin(self, item: ItemTry) -> bool:
        try:
            return may_begin(self.work, item)
        except Exception as error:
            self.failure = error
            raise

    async def _await_output(self, item: ItemTry) -> bool:
        """Tell whether the item has ended; one that is cancelled among others is tried alone."""
        work, parsed = self.work, item.output
        try:
            output = work.workload.process(parsed, make_context(work, item))
            item.output = await _await_in_time(work.batch, output)
        except BaseException as error:
            if self.is_ruined:
                raise
            if not self.is_alone and is_kind(error, asyncio.CancelledError):
                return False
            fail(work, item, error)
        else:
            work.downstream.note(item.record.index, None)
        return True


async def _await_in_time(batch: Batch, output: Awaitable[Any]) -> Any:
    seconds = batch.limits.item_seconds
    if seconds is None:
        return await output
    task = asyncio.ensure_future(output)
    await asyncio.wait((task,), timeout=seconds)
    if task.done():
        return task.result()
    task.cancel()
    # It may end what it has begun. One that does not let itself be cancelled is left to itself.
    await asyncio.wait((task,), timeout=CANCEL_SECONDS)
    raise batch.limits.item_timeout()
