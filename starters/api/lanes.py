"""How many calls of a kind are at work at a time in this worker process: the rest wait in turn.

Lists read the rows of up to a hundred runs each; a few of them at a time leave room for all other
calls. Requests of many items take up to a hundred times their bytes while they are checked and
kept, and dry runs read some of their source. Changes of one run write one row after the other: who
comes while many wait already is told to come again, so that no queue grows without end.

Source: https://learn.microsoft.com/azure/architecture/patterns/bulkhead
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from fanout.errors import FanoutError
from fanout.naming import functions
from fanout.splitting.sizes.estimates import json_bytes

LISTS = frozenset({functions.LIST_RUNS, functions.LIST_ITEMS, functions.REBUILD_INDEX})
CHANGES = frozenset(
    {
        functions.CHANGE_RUN,
        functions.SUSPEND_RUN,
        functions.RESUME_RUN,
        functions.CANCEL_RUN,
        functions.REDRIVE_RUN,
        functions.DELETE_RUN,
    }
)
LISTS_AT_ONCE = 2
LISTS_WAITING = 32
# Of one caller: the places in the queue of lists are not all theirs.
LISTS_OF_A_CALLER = 24
CHANGES_AT_ONCE = 1
CHANGES_WAITING = 16
# Requests that take much memory once they are parsed, and dry runs.
LARGE_REQUEST_BYTES = 16 * 1_048_576
LARGE_AT_ONCE = 2
LARGE_WAITING = 32
DRY_RUNS_AT_ONCE = 2
DRY_RUNS_WAITING = 16
RETRY_SECONDS = 2


class CrowdedError(FanoutError):
    """So many calls of this kind wait already that no more are taken on."""


@dataclass
class Lane:
    """Calls of which some are at work, and others wait in the order in which they came.

    Attributes:
        at_once: How many are at work at a time.
        most_waiting: How many may wait.
        most_of_caller: How many of one caller may be there.
    """

    at_once: int
    most_waiting: int
    most_of_caller: int
    working: int = 0
    waiting: deque["asyncio.Future[None]"] = field(default_factory=deque)
    callers: Counter[str] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is there."""
        return not self.working and not self.waiting

    @asynccontextmanager
    async def place(self, caller: str) -> AsyncIterator[None]:
        """Wait for a place, and free it in the end.

        Raises:
            CrowdedError: Too many wait already.
        """
        if len(self.waiting) >= self.most_waiting or self.callers[caller] >= self.most_of_caller:
            raise CrowdedError("Too many calls of this kind wait already; try again.")
        self.callers[caller] += 1
        try:
            await self._enter()
            try:
                yield
            finally:
                self._leave()
        finally:
            self.callers[caller] -= 1
            self.callers += Counter()  # who has none is forgotten

    async def _enter(self) -> None:
        if self.working < self.at_once:
            self.working += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the place was handed over a moment ago
            elif turn in self.waiting:
                self.waiting.remove(turn)
            raise

    def _leave(self) -> None:
        """Hand a place over to who has waited longest."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.working -= 1


class Lanes:
    """The lanes of a worker process: for lists, large requests, and the changes of each run.

    Attributes:
        dry_runs: The lane of dry runs; whoever has parsed a request knows that it is one.
    """

    def __init__(self) -> None:
        self._lists = Lane(LISTS_AT_ONCE, LISTS_WAITING, LISTS_OF_A_CALLER)
        self._large = Lane(LARGE_AT_ONCE, LARGE_WAITING, LARGE_AT_ONCE + LARGE_WAITING)
        self.dry_runs = Lane(
            DRY_RUNS_AT_ONCE, DRY_RUNS_WAITING, DRY_RUNS_AT_ONCE + DRY_RUNS_WAITING
        )
        self._changes: OrderedDict[str, Lane] = OrderedDict()

    @asynccontextmanager
    async def place(
        self, function: str, run_id: str, caller: str, body: bytes = b""
    ) -> AsyncIterator[None]:
        """Wait for a place of a call, if calls of its kind need one.

        Args:
            function: The name of what is called.
            run_id: The run that it is about, or nothing.
            caller: Who calls.
            body: What was sent.

        Raises:
            CrowdedError: Too many wait already.
        """
        if function in LISTS:
            async with self._lists.place(caller):
                yield
        elif function == functions.START_RUN:
            lane = self._large if json_bytes(body) > LARGE_REQUEST_BYTES else None
            async with nullcontext() if lane is None else lane.place(caller):
                yield
        elif function in CHANGES:
            new = Lane(CHANGES_AT_ONCE, CHANGES_WAITING, CHANGES_AT_ONCE + CHANGES_WAITING)
            lane = self._changes.setdefault(run_id, new)
            try:
                async with lane.place(caller):
                    yield
            finally:
                if lane.is_empty:
                    self._changes.pop(run_id, None)
        else:
            yield
