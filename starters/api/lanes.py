"""How many calls of a kind are at work at a time in this worker process: the rest wait in turn.

Lists read the rows of up to a hundred runs each; a few of them at a time leave room for all other
calls. Requests of many items take up to a hundred times their bytes while they are checked and
kept, and dry runs read some of their source. Changes of one run write one row after the other. All
calls together take memory: who comes while many wait already is told what is full and to come
again, so that no queue grows without end.

Source: https://learn.microsoft.com/azure/architecture/patterns/bulkhead
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
# Of all calls but lists.
CALLS_AT_ONCE = 64
CALLS_WAITING = 256
CALLS_OF_A_CALLER = 192
# Whether the app can be reached is asked above all when it is at its limit.
ALWAYS_ANSWERED = frozenset({functions.GET_HEALTH})
# Callers wait for half a minute; what is at work is given up after 25 s.
MAX_WAIT_SECONDS = 5.0
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
        what: What the calls are, for people.
        at_once: How many are at work at a time.
        most_waiting: How many may wait.
        most_of_caller: How many of one caller may be there.
    """

    what: str
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
            CrowdedError: Too many wait already, which it names.
        """
        if len(self.waiting) >= self.most_waiting:
            raise CrowdedError(f"{self.most_waiting} {self.what} wait already; try again.")
        if self.callers[caller] >= self.most_of_caller:
            message = f"{self.most_of_caller} {self.what} of yours are here already, the most"
            raise CrowdedError(f"{message} of one caller; try again.")
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
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                await turn
        except TimeoutError as error:
            self._give_up(turn)
            message = f"{self.what} ahead of this one take more than {MAX_WAIT_SECONDS:g} s"
            raise CrowdedError(f"The {message}; try again.") from error
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        """Wait no longer; a place that was handed over a moment ago goes to the next."""
        if turn.done() and not turn.cancelled():
            self._leave()
        elif turn in self.waiting:
            self.waiting.remove(turn)

    def _leave(self) -> None:
        """Hand a place over to who has waited longest."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.working -= 1


class Lanes:
    """The lanes of a worker process: for lists, large requests, changes of each run, other calls.

    Attributes:
        dry_runs: The lane of dry runs; whoever has parsed a request knows that it is one.
    """

    def __init__(self) -> None:
        self._lists = Lane("lists", LISTS_AT_ONCE, LISTS_WAITING, LISTS_OF_A_CALLER)
        self._calls = Lane("calls", CALLS_AT_ONCE, CALLS_WAITING, CALLS_OF_A_CALLER)
        most = LARGE_AT_ONCE + LARGE_WAITING
        self._large = Lane("large requests", LARGE_AT_ONCE, LARGE_WAITING, most)
        most = DRY_RUNS_AT_ONCE + DRY_RUNS_WAITING
        self.dry_runs = Lane("dry runs", DRY_RUNS_AT_ONCE, DRY_RUNS_WAITING, most)
        self._changes: OrderedDict[str, Lane] = OrderedDict()

    @asynccontextmanager
    async def place(
        self, function: str, run_id: str, caller: str, body: bytes = b""
    ) -> AsyncIterator[None]:
        """Wait for a place of a call.

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
        elif function == functions.START_RUN and json_bytes(body) > LARGE_REQUEST_BYTES:
            async with self._large.place(caller), self._calls.place(caller):
                yield
        elif function in CHANGES:
            async with self._change(run_id, caller), self._calls.place(caller):
                yield
        elif function in ALWAYS_ANSWERED:
            yield
        else:
            async with self._calls.place(caller):
                yield

    @asynccontextmanager
    async def _change(self, run_id: str, caller: str) -> AsyncIterator[None]:
        """Wait until no other change of a run is at work."""
        most = CHANGES_AT_ONCE + CHANGES_WAITING
        new = Lane(f"changes of '{run_id}'", CHANGES_AT_ONCE, CHANGES_WAITING, most)
        lane = self._changes.setdefault(run_id, new)
        try:
            async with lane.place(caller):
                yield
        finally:
            if lane.is_empty:
                self._changes.pop(run_id, None)
