"""Instances on one hub, with the app that is measured."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.host import HostClient
from rig.cluster import Cluster

APP = Path(__file__).parents[1] / "apps" / "million"
# Batches of waiting items that are in flight: more than one instance processes at once.
WIDTH = 64


class MeasuredCluster(Cluster):
    """Instances that are measured."""

    def grow(self, instances: int) -> None:
        """Start instances up to a number, and wait until each has its share of the work."""
        while len(self.instances) < instances:
            self.add(APP)
        self.wait_for_balance()

    @contextlib.contextmanager
    def client(self, instance: int = 0) -> Iterator[HostClient]:
        """A client of one of the instances."""
        port = self.instances[instance].host.port
        with contextlib.closing(HostClient(port, self.connection)) as host:
            yield host


@contextlib.contextmanager
def run_cluster(folder: Path, instances: int) -> Iterator[MeasuredCluster]:
    """Run instances of the host in a folder, on a hub of their own."""
    with tempfile.TemporaryDirectory() as data:
        cluster = MeasuredCluster(folder, Path(data))
        with cluster.running():
            cluster.grow(instances)
            yield cluster


def waiting_request(run_id: str, items: int, seconds: float = 1.0) -> dict[str, Any]:
    """The request of a run over items that wait, one a batch."""
    source = {"kind": "inline", "items": [{"id": n, "seconds": seconds} for n in range(items)]}
    request = {"workload": "waiting", "run_id": run_id, "source": source}
    return request | {"batch": {"max_items": 1}, "concurrency": {"batches": WIDTH}}
