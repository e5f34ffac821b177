"""Two who work on the same run at the same time: whatever comes between, the list is right after.

The second does all of its work before one operation of the first on storage, a read or a write.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from fanout.adapters.tables import Row, Write
from fanout.models.status import RunOutcome
from fanout.naming import row_keys
from starters.index.rebuild import rebuild_part
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.harms.listed_runs import ListedRuns, Shown, impatience

Act = Callable[["MetRuns"], Awaitable[None]]
OUTCOMES: tuple[RunOutcome, ...] = ("succeeded", "failed", "cancelled")
MAX_SECONDS = 60


@dataclass
class Meeting:
    """Counts operations on storage, and has somebody else act before one of them."""

    left: int = -1
    act: Callable[[], None] | None = None

    def step(self) -> None:
        if self.act is None:
            return
        self.left -= 1
        if self.left < 0:
            act, self.act = self.act, None
            act()


class MetTables(MemoryTables):
    """Tables where somebody may be met, but not where a process writes for all its threads."""

    def __init__(self, meeting: Meeting) -> None:
        super().__init__()
        self._meeting = meeting

    def _step(self, partition: str) -> None:
        if partition != row_keys.ADMISSION_PARTITION:
            self._meeting.step()

    def read(self, table: str, partition: str, row_keys: Iterable[str]) -> dict[str, Row]:
        self._step(partition)
        return super().read(table, partition, row_keys)

    def read_all(self, table: str, partition: str, prefix: str = "") -> dict[str, Row]:
        self._step(partition)
        return super().read_all(table, partition, prefix)

    def write(self, table: str, partition: str, writes: list[Write]) -> dict[str, str]:
        self._step(partition)
        return super().write(table, partition, writes)

    def delete(self, table: str, partition: str, row_keys: Iterable[str]) -> None:
        self._step(partition)
        super().delete(table, partition, row_keys)


class MetStore(MemoryStore):
    """Blobs where somebody may be met."""

    def __init__(self, meeting: Meeting) -> None:
        super().__init__()
        self._meeting = meeting

    def read(self, container: str, blob: str, **more: Any) -> bytes:
        self._meeting.step()
        return super().read(container, blob, **more)

    def properties(self, container: str, blob: str) -> Any:
        self._meeting.step()
        return super().properties(container, blob)

    def names(self, container: str, prefix: str) -> Iterator[str]:
        self._meeting.step()
        yield from [*super().names(container, prefix)]

    def write(self, container: str, blob: str, data: bytes, **more: Any) -> str:
        self._meeting.step()
        return super().write(container, blob, data, **more)

    def delete(self, container: str, blob: str) -> None:
        self._meeting.step()
        super().delete(container, blob)


class MetRuns(ListedRuns):
    """Runs on which two work."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.meeting = Meeting()
        self.store = MetStore(self.meeting)  # type: ignore[assignment]
        self.tables = MetTables(self.meeting)  # type: ignore[assignment]
        object.__setattr__(self.files, "store", self.store)
        object.__setattr__(self.rows, "tables", self.tables)

    async def rebuild(self) -> None:
        position: str | None = None
        while True:
            part = await asyncio.to_thread(rebuild_part, self.files, self.rows, position, 2)
            position = part.position
            if position is None:
                return

    async def list_all(self) -> None:
        await self.shown()
        await self.shown(outcome="failed")

    async def lose_index(self) -> None:
        self.rows.clear(row_keys.RUNS_PARTITION)

    def act_in_between(self, act: Act) -> None:
        """Another process does something, to its end."""
        faults: list[BaseException] = []

        def carry_out() -> None:
            try:
                asyncio.run(self._do(act))
            except BaseException as fault:  # it is raised where it is waited for
                faults.append(fault)

        thread = threading.Thread(target=carry_out, daemon=True)
        thread.start()
        thread.join(MAX_SECONDS)
        assert not thread.is_alive()
        if faults:
            raise faults[0]

    async def _do(self, act: Act) -> None:
        await self.attempt_to(lambda: act(self))


async def under_way(runs: MetRuns) -> None:
    await runs.start("b-1")
    await runs.begin("b-1")


async def ended(runs: MetRuns) -> None:
    await under_way(runs)
    await runs.finish("b-1", "failed")


async def lost(runs: MetRuns) -> None:
    """A run that goes on and one that has ended, and the rows of both in the index are lost."""
    await ended(runs)
    await runs.lose_index()


async def lost_under_way(runs: MetRuns) -> None:
    await under_way(runs)
    await runs.lose_index()


async def delete_and_start(runs: MetRuns) -> None:
    await runs.delete("b-1")
    await runs.start("b-1")


ACTS: dict[str, Act] = {
    "list": lambda runs: runs.list_all(),
    "rebuild": lambda runs: runs.rebuild(),
    "watchdog": lambda runs: runs.look(),
    "finish": lambda runs: runs.finish("b-1", "succeeded"),
    "delete": lambda runs: runs.delete("b-1"),
    "redrive": lambda runs: runs.redrive("b-1"),
    "start": lambda runs: runs.start("b-1"),
    "delete and start": delete_and_start,
}
READERS = ("list", "rebuild", "watchdog")
MEETINGS = [
    *((scene, one, other) for scene in ("ended", "lost") for one in READERS
      for other in ("delete", "redrive", "delete and start", "rebuild")),
    *((scene, one, "finish") for scene in ("under_way", "lost_under_way") for one in READERS),
    *((scene, one, other) for scene in ("ended", "lost") for one in ("delete", "redrive", "start")
      for other in READERS),
    *((scene, "finish", other) for scene in ("under_way", "lost_under_way") for other in READERS),
]  # fmt: skip
SCENES: dict[str, Act] = {
    "under_way": under_way, "ended": ended, "lost": lost, "lost_under_way": lost_under_way,
}  # fmt: skip


async def insist_on_truth(runs: MetRuns) -> None:
    truth = runs.truth()
    assert await runs.shown() == truth
    for outcome in OUTCOMES:
        assert await runs.shown(outcome=outcome) == [run for run in truth if run.outcome == outcome]


def indexed(runs: MetRuns) -> list[tuple[str, str]]:
    return [(run_id, outcome or "") for run_id, outcome in runs.indexed()]


def in_index(truth: list[Shown]) -> list[tuple[str, str]]:
    return [(run.run_id, run.outcome or "") for run in truth]


@pytest.mark.parametrize(("scene", "one", "other"), MEETINGS)
async def test_whoever_meets_whom_the_list_is_right(scene: str, one: str, other: str):
    for number in range(200):
        runs = MetRuns()
        await runs.start("a-0")
        await SCENES[scene](runs)
        act = ACTS[other]
        runs.meeting.left = number
        runs.meeting.act = lambda: runs.act_in_between(act)  # noqa: B023 - called before the next
        await runs.attempt_to(lambda: ACTS[one](runs))  # noqa: B023 - called at once
        have_met, runs.meeting.act = runs.meeting.act is None, None
        if scene.startswith("lost"):
            await runs.rebuild()
        with impatience():
            await insist_on_truth(runs)
            for _ in range(2):
                await runs.look()
            await insist_on_truth(runs)
        assert indexed(runs) == in_index(runs.truth()), number
        if not have_met:
            assert number > 1
            return
    raise AssertionError("it works without end")
