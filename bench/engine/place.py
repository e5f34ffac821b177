"""Instances on one hub, with the app that is measured."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.host import AskedHost
from rig.cluster import Cluster

APP = Path(__file__).parents[1] / "apps" / "million"
# What goes on at once, of items that take their time: more than one instance does.
WIDTH = 64


class Place(Cluster):
    """Instances that are measured."""

    def grow(self, instances: int) -> None:
        """Start as many more as are missing, and wait until all have their share."""
        while len(self.instances) < instances:
            self.add(APP)
        self.wait_for_balance()

    @contextlib.contextmanager
    def asked(self, instance: int = 0) -> Iterator[AskedHost]:
        """One of the instances."""
        port = self.instances[instance].host.port
        with contextlib.closing(AskedHost(port, self.connection)) as host:
            yield host


@contextlib.contextmanager
def place(folder: Path, instances: int) -> Iterator[Place]:
    """So many instances of the host in a folder, on a hub of their own."""
    with tempfile.TemporaryDirectory() as data:
        found = Place(folder, Path(data))
        with found.running():
            found.grow(instances)
            yield found


def waiting(run_id: str, items: int, seconds: float = 1.0) -> dict[str, Any]:
    """Ask for a run over items that wait, one a batch."""
    source = {"kind": "inline", "items": [{"id": n, "seconds": seconds} for n in range(items)]}
    asked = {"workload": "waiting", "run_id": run_id, "source": source}
    return asked | {"batch": {"max_items": 1}, "concurrency": {"batches": WIDTH}}
