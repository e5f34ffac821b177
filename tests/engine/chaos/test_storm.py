"""All sorts of harm come over runs of every shape at once; each run ends as it does by itself.

Engines and workers are killed or told to end, storage goes away, writes of a run are refused, an
instance with a changed app comes and goes, and people steer meanwhile. Long form only.
"""

import http.client
import itertools
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.engine_cluster import Cluster, ClusterOf
from tests.support.hosts.product import Product
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import SHAPES, insist_on_counts, insist_on_end, shaped

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(0)]
CHANGED = Path(__file__).parents[1] / "apps" / "new"
CLOCK_SECONDS = 30
LATEST = 400
REST_SECONDS = (2.0, 8.0)
AWAY_SECONDS = 4.0


class Storm:
    """Harms that end by themselves; the third instance is spared, so that somebody answers."""

    def __init__(self, cluster: Cluster, moments: random.Random) -> None:
        self._cluster = cluster
        self._moments = moments
        self.done: list[str] = []

    def strike(self, run_id: str) -> None:
        """Do one harm, drawn by chance."""
        harms: list[Callable[[str], None]] = [
            self.kill,
            self.terminate,
            self.kill_worker,
            self.stop_storage,
            self.refuse,
            self.roll_out,
        ]
        harm = self._moments.choice(harms)
        self.done.append(harm.__name__)
        harm(run_id)

    def kill(self, run_id: str) -> None:
        victim = self._moments.choice(self._cluster.instances[:2])
        victim.kill()
        time.sleep(AWAY_SECONDS)
        victim.start()

    def terminate(self, run_id: str) -> None:
        victim = self._moments.choice(self._cluster.instances[:2])
        victim.terminate()
        victim.start()

    def kill_worker(self, run_id: str) -> None:
        self._moments.choice(self._cluster.instances[:2]).kill_worker()
        self._cluster.wait_for_workers()

    def stop_storage(self, run_id: str) -> None:
        self._cluster.storage.process.stop()
        time.sleep(AWAY_SECONDS)
        self._cluster.storage.process.start()

    def refuse(self, run_id: str) -> None:
        assert self._cluster.tables is not None
        self._cluster.tables.refuse(run_id)
        time.sleep(AWAY_SECONDS)
        self._cluster.tables.let_through()

    def roll_out(self, run_id: str) -> None:
        changed = self._cluster.add(CHANGED)
        time.sleep(AWAY_SECONDS)
        changed.terminate()
        self._cluster.instances.remove(changed)


def steer(product: Product, run_id: str, moments: random.Random) -> None:
    """Ask of a run what changes nothing about its end; who is away is not asked."""
    path, body = moments.choice(
        [
            (f"/api/runs/{run_id}/suspend", b""),
            (f"/api/runs/{run_id}/resume", b""),
            (f"/api/runs/{run_id}", b'{"concurrency": {"batches": 3}}'),
        ]
    )
    method = "PATCH" if body else "POST"
    look(lambda: product.host.request(method, path, body))


def look(ask: Callable[[], Any]) -> Any:
    """An answer, or None from whoever cannot give one now."""
    try:
        return ask()
    except (OSError, http.client.HTTPException):
        return None


def ended(product: Product, run_id: str) -> dict[str, Any]:
    """Wait for the end of a run, with nobody holding it back."""
    ends = time.monotonic() + LATEST
    status: dict[str, Any] = {}
    while time.monotonic() < ends:
        look(lambda: product.host.request("POST", f"/api/runs/{run_id}/resume", b""))
        answer = look(lambda: product.host.get(f"/api/runs/{run_id}"))
        if answer is not None and answer.status == 200:
            status = dict(answer.json)
            insist_on_counts(status)
            if status["phase"] == "done":
                return status
        time.sleep(1)
    raise AssertionError(f"the run is stuck: {status}")


def test_runs_of_every_shape_outlive_a_storm(cluster_of: ClusterOf, seconds: float):
    seed = random.randrange(2**32)
    moments, cluster = random.Random(seed), cluster_of(3, through_proxy=True)
    for instance in cluster.instances[:2]:
        instance.revives = True
    product, storm, number = cluster.product(2), Storm(cluster, moments), 0
    ends = time.monotonic() + seconds
    with cluster.clock(CLOCK_SECONDS):
        for number, shape in enumerate(itertools.cycle(SHAPES)):
            if time.monotonic() > ends:
                break
            journal = Journal(cluster.folder / f"{number}.journal")
            run_id = f"storm-{number}-{shape}"
            asked = shaped(shape, product, journal) | {"run_id": run_id}
            assert product.post(asked).status == 202
            for _ in range(moments.randint(1, 3)):
                time.sleep(moments.uniform(*REST_SECONDS))
                steer(product, run_id, moments)
                storm.strike(run_id)
            try:
                insist_on_end(shape, product, journal, ended(product, run_id))
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, {run_id}, after {storm.done[-3:]}") from error
    print(f"{number} runs, {len(storm.done)} harms: {', '.join(sorted(set(storm.done)))}")
