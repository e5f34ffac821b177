"""What can happen to a write, and a run of a shape that it happens to."""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fanout.adapters.rows.rows import table_name
from rig.table_proxy import TableProxy
from tests.support.harms.found_writes import Found, Kind, Write, found
from tests.support.harms.hub_contents import rows_in
from tests.support.harms.steady_shapes import SETTINGS, Caller, End, Shape, insist_on_pace
from tests.support.hosts.engine_cluster import Cluster
from tests.support.workloads.errand_workloads import Journal

Harm = Literal["refused", "lost"]
HARMS: tuple[Harm, ...] = ("refused", "lost")
REFUSED_SECONDS = 5.0
# Many instances share a machine here, and wait most of the time.
SELDOM = {"storageProvider:maxQueuePollingInterval": "00:00:01"}
# A run that is disturbed may take so much longer than twice its time.
MORE_SECONDS = {"refused": 60.0, "lost": 120.0}
LONGEST_SECONDS = 120.0
CLOCK_SECONDS = 5.0
LAST_SECONDS = 3.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Reference:
    """How a run of a shape goes that nobody disturbs."""

    end: End
    seconds: float
    found: dict[Kind, Found]


class Disturbed:
    """One instance before whose writes a proxy stands."""

    def __init__(self, cluster: Cluster) -> None:
        self.instance = cluster.add(overrides=SELDOM, **SETTINGS)
        self._cluster = cluster
        self._caller = Caller(self.instance.host)
        self._pool = ThreadPoolExecutor(1)
        self._ended: dict[str, dict[str, Any]] = {}
        self._deleted: list[str] = []

    @property
    def _tables(self) -> TableProxy:
        assert self._cluster.tables is not None
        return self._cluster.tables

    def reference(self, name: str, shape: Shape) -> Reference:
        """Let a run go on undisturbed, and see what it writes."""
        run_id, mark, begun = f"calm-{name}", len(self._tables.rows), time.monotonic()
        end = self._end(shape, run_id, self._begun(shape, run_id, LONGEST_SECONDS))
        seconds = time.monotonic() - begun
        time.sleep(LAST_SECONDS)
        return Reference(end, seconds, found(self._tables.rows[mark:], run_id))

    def strike(self, run_id: str, shape: Shape, known: Reference, write: Write, harm: Harm) -> bool:
        """Harm a write of a run, and insist that it ends as without; tell whether it was met."""
        order = self._tables.refuse if harm == "refused" else self._tables.hold
        order(*write.words(run_id))
        latest = 2 * known.seconds + MORE_SECONDS[harm]
        running = self._begun(shape, run_id, latest)
        is_met = self._met(running)
        if is_met and harm == "refused":
            time.sleep(REFUSED_SECONDS)
        elif is_met:
            self._kill()
        self._tables.let_through()
        end = self._end(shape, run_id, running)
        unlike = end.unlike(known.end)
        assert not unlike, unlike
        return is_met

    def insist_on_rest(self) -> None:
        """Nothing came later that would change what a run has come to, or bring it back."""
        for run_id, then in self._ended.items():
            assert self._caller.status(run_id) == then, run_id
        # The extension deletes an instance and its history side by side. A kill in between leaves
        # history that nobody can ask for any more.
        connection, hub = self._cluster.storage.connection, self._cluster.hub
        for table in (table_name("runs"), f"{hub}Instances"):
            for row in map(str, rows_in(connection, table) if self._deleted else []):
                assert not any(run_id in row for run_id in self._deleted), row

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()

    def _begun(self, shape: Shape, run_id: str, seconds: float) -> "Future[dict[str, Any]]":
        return self._pool.submit(
            self._caller.carry_out, shape, run_id, self._journal(run_id), seconds
        )

    def _end(self, shape: Shape, run_id: str, running: "Future[dict[str, Any]]") -> End:
        status = running.result()
        if shape.deletes:
            self._deleted.append(run_id)
        else:
            self._ended[run_id] = status
        insist_on_pace(shape, self._journal(run_id))
        return End.of(status, self._journal(run_id))

    def _met(self, running: "Future[dict[str, Any]]") -> bool:
        """Wait for the write; what comes after a run's end comes soon."""
        ends = None
        while self._tables.met is None:
            if running.done():
                ends = ends or time.monotonic() + LAST_SECONDS
                if time.monotonic() > ends:
                    return False
            time.sleep(POLL_SECONDS)
        return True

    def _kill(self) -> None:
        """Kill the instance while it waits for the answer, and start it again.

        What it had in hand shows again at once: it is known how long that takes otherwise.
        """
        self.instance.kill()
        self._cluster.storage.forget_clients()
        self.instance.start()

    def _journal(self, run_id: str) -> Journal:
        return Journal(self._cluster.folder / f"{run_id}.journal")


@contextlib.contextmanager
def disturbed(engine: Path, folder: Path) -> Iterator[Disturbed]:
    """An instance on a hub of its own, whose writes can be harmed."""
    folder.mkdir(parents=True)
    cluster = Cluster(engine, folder, through_proxy=True)
    with cluster.running(), cluster.clock(CLOCK_SECONDS):
        one = Disturbed(cluster)
        with contextlib.closing(one):
            yield one
