"""Instances of a host with the probes' app on one task hub."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rig.cluster import Cluster as Instances
from rig.instance import Instance
from rig.processes import REPOSITORY
from tests.support.hosts.product import Product, client_of, new_inbox

PROBE = REPOSITORY / "tests" / "e2e" / "apps" / "probe"


class Cluster(Instances):
    """Instances that tests ask as clients of the product do."""

    def add(self, app: Path = PROBE, **options: Any) -> Instance:
        """Start one more instance, of the probes' app unless another is named."""
        return super().add(app, **options)

    def product(self, instance: int = 0) -> Product:
        """The product as this instance answers for it, with an inbox of its own."""
        blobs = client_of(self.storage.connection)
        return Product(self.instances[instance].host, new_inbox(blobs), blobs)


ClusterOf = Callable[..., Cluster]


@contextlib.contextmanager
def cluster(
    engine_folder: Path, folder: Path, instances: int = 1, *, through_proxy: bool = False
) -> Iterator[Cluster]:
    """Storage and so many instances with the probes' app; stopped at the end."""
    found = Cluster(engine_folder, folder, through_proxy=through_proxy)
    with found.running():
        for _ in range(instances):
            found.add()
        yield found
